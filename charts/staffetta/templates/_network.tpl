{{/* A rule of egress: to (peers; none: anywhere), ports (TCP). */}}
{{- define "staffetta.egressRule" -}}
- ports:
    {{- range uniq .ports }}
    - {port: {{ int . }}, protocol: TCP}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The pods of a bundled server, as `to`. */}}
{{- define "staffetta.bundledPods" -}}
- podSelector:
    matchLabels:
      {{- include "staffetta.selector" . | nindent 6 }}
{{- end -}}

{{/* The port of a URL, or that of its scheme. */}}
{{- define "staffetta.urlPort" -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- if $port -}}{{ $port }}{{- else -}}{{ get (dict "http" "80" "https" "443" "redis" "6379" "rediss" "6379") $url.scheme }}{{- end -}}
{{- end -}}

{{/* Rules of egress that the settings of a service or job ask for: root, names. */}}
{{- define "staffetta.egress" -}}
{{- $v := .root.Values -}}
{{- $n := $v.networkPolicy -}}
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
  {{- with $n.dnsTo }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- if has "STAFFETTA_KAFKA_BROKERS" .names }}
{{- if $v.bundled.kafka.enabled }}
{{ include "staffetta.egressRule" (dict "ports" (list 9092) "to" (include "staffetta.bundledPods" (dict "root" .root "component" "kafka") | fromYamlArray)) }}
{{- else }}
{{- $ports := $n.kafka.ports }}
{{- if not $ports }}
{{- range $v.kafka.brokers }}{{- $ports = append $ports (regexFind "[0-9]+$" .) }}{{- end }}
{{- end }}
{{ include "staffetta.egressRule" (dict "ports" $ports "to" $n.kafka.to) }}
{{- end }}
{{- end }}
{{- if has "STAFFETTA_REDIS_URL" .names }}
{{- if $v.bundled.redis.enabled }}
{{ include "staffetta.egressRule" (dict "ports" (list 6379) "to" (include "staffetta.bundledPods" (dict "root" .root "component" "redis") | fromYamlArray)) }}
{{- else }}
{{- $ports := $n.redis.ports }}
{{- if not $ports }}
{{- if $v.redis.urlInSecret }}
{{- $ports = list 6379 }}
{{- else }}
{{- $ports = list (include "staffetta.urlPort" $v.redis.url) }}
{{- range regexFindAll "addr=[^&]*" $v.redis.url -1 }}{{- $ports = append $ports (regexFind "[0-9]+$" .) }}{{- end }}
{{- if contains "master_name=" $v.redis.url }}{{- $ports = append $ports "6379" }}{{- end }}
{{- end }}
{{- end }}
{{ include "staffetta.egressRule" (dict "ports" $ports "to" $n.redis.to) }}
{{- end }}
{{- end }}
{{- if has "STAFFETTA_DATABASE_URL" .names }}
{{- if $v.bundled.postgres.enabled }}
{{ include "staffetta.egressRule" (dict "ports" (list 5432) "to" (include "staffetta.bundledPods" (dict "root" .root "component" "postgres") | fromYamlArray)) }}
{{- else }}
{{ include "staffetta.egressRule" (dict "ports" $n.database.ports "to" $n.database.to) }}
{{- end }}
{{- end }}
{{- if and (has "STAFFETTA_SMTP_URL" .names) $v.settings.mail.from }}
{{ include "staffetta.egressRule" (dict "ports" $n.smtp.ports "to" $n.smtp.to) }}
{{- end }}
{{- if and (has "STAFFETTA_OIDC_ISSUER" .names) $v.settings.oidc.issuer }}
{{ include "staffetta.egressRule" (dict "ports" (list (include "staffetta.urlPort" $v.settings.oidc.issuer)) "to" nil) }}
{{- end }}
{{- with $v.settings.otlpEndpoint }}
{{ include "staffetta.egressRule" (dict "ports" (list (include "staffetta.urlPort" .)) "to" $n.otlp.to) }}
{{- end }}
{{- with $n.egress }}
{{ toYaml . }}
{{- end }}
{{- end -}}
