{{/* Lays the map `over` over the map `base`, key by key, in place. sprig's merge passes over 0, false and "". */}}
{{- define "staffetta.overlay" -}}
{{- range $key, $value := .over -}}
{{- if and (kindIs "map" $value) (kindIs "map" (get $.base $key)) -}}
{{- include "staffetta.overlay" (dict "base" (get $.base $key) "over" $value) -}}
{{- else -}}
{{- $_ := set $.base $key $value -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/*
The services that are to run, as a YAML map by name: the facts of files/services.yaml under `is`,
and `defaults` with the service's own values over them.
*/}}
{{- define "staffetta.services" -}}
{{- $services := dict -}}
{{- range $name, $facts := (.Files.Get "files/services.yaml" | fromYaml).services -}}
{{- $service := deepCopy $.Values.defaults -}}
{{- include "staffetta.overlay" (dict "base" $service "over" (default dict (get $.Values.services $name))) -}}
{{- if $service.enabled -}}
{{- $_ := set $service "is" $facts -}}
{{- $_ := set $services $name $service -}}
{{- if and (eq $service.autoscaling.by "lag") (not $facts.lag) -}}
{{- fail (printf "services.%s.autoscaling.by: must be \"cpu\" or \"\", as %s has no consumer lag" $name $name) -}}
{{- end -}}
{{- if and (eq $service.autoscaling.by "lag") $.Values.bundled.kafka.enabled -}}
{{- fail (printf "services.%s.autoscaling.by: must be \"cpu\" or \"\" with bundled.kafka, which KEDA does not reach" $name) -}}
{{- end -}}
{{- if lt (int $service.autoscaling.max) (int $service.autoscaling.min) -}}
{{- fail (printf "services.%s.autoscaling.max: must be at least min, %d, not %d" $name (int $service.autoscaling.min) (int $service.autoscaling.max)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $services -}}
{{- end -}}
