{{/* Which service answers which collection, as a YAML map: collection → service; what is not there is api's. */}}
{{- define "staffetta.routes" -}}
{{- range $name, $service := include "staffetta.services" . | fromYaml -}}
{{- range $service.is.collections }}
{{ . }}: {{ $name }}
{{- end -}}
{{- end -}}
{{- end -}}
