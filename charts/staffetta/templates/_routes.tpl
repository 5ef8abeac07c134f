{{/* Which service answers which collection, as a YAML map: collection → service; what is not there is api's. */}}
{{- define "staffetta.routes" -}}
{{- range $name, $service := include "staffetta.services" . | fromYaml -}}
{{- range $service.is.collections }}
{{ . }}: {{ $name }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
What api shows to the world, as a YAML map: path → how it matches, as an Ingress has it. Not /metrics, /livez and
/readyz, which are for the cluster.
*/}}
{{- define "staffetta.apiRoutes" -}}
/: Exact
/openapi.json: Exact
/openapi.yaml: Exact
/portal: Prefix
/v1: Prefix
{{- end -}}
