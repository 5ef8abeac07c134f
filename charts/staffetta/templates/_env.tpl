{{- define "staffetta.kafka.brokers" -}}
{{- if .Values.bundled.kafka.enabled -}}
{{ include "staffetta.fullname" . }}-kafka:9092
{{- else -}}
{{ join "," .Values.kafka.brokers }}
{{- end -}}
{{- end -}}

{{/*
What each name of the environment is, as a YAML map: a list of entries of a container's `env`
(a service is given those of the names that files/services.yaml lists); nothing where the program's
default holds. Takes root and secret, the name of the Secret to take from.
*/}}
{{- define "staffetta.settings" -}}
{{- $v := .root.Values -}}
{{- $s := .root.Values.settings -}}
{{- $secret := .secret -}}
{{- $fullname := include "staffetta.fullname" .root -}}
STAFFETTA_KAFKA_BROKERS:
  - {name: STAFFETTA_KAFKA_BROKERS, value: {{ include "staffetta.kafka.brokers" .root | quote }}}
  {{- if and $v.kafka.tls.enabled (not $v.bundled.kafka.enabled) }}
  - {name: STAFFETTA_KAFKA_TLS, value: "true"}
  {{- if $v.kafka.tls.ca.secret }}
  - {name: STAFFETTA_KAFKA_TLS_CA_FILE, value: {{ printf "/etc/staffetta/kafka-ca/%s" $v.kafka.tls.ca.key | quote }}}
  {{- end }}
  {{- if $v.kafka.tls.client.secret }}
  - {name: STAFFETTA_KAFKA_TLS_CERT_FILE, value: {{ printf "/etc/staffetta/kafka-client/%s" $v.kafka.tls.client.cert | quote }}}
  - {name: STAFFETTA_KAFKA_TLS_KEY_FILE, value: {{ printf "/etc/staffetta/kafka-client/%s" $v.kafka.tls.client.key | quote }}}
  {{- end }}
  {{- end }}
  {{- if and $v.kafka.sasl.mechanism (not $v.bundled.kafka.enabled) }}
  - {name: STAFFETTA_KAFKA_SASL_MECHANISM, value: {{ $v.kafka.sasl.mechanism | quote }}}
  - {name: STAFFETTA_KAFKA_SASL_USERNAME, value: {{ required "kafka.sasl.username: is required with kafka.sasl.mechanism" $v.kafka.sasl.username | quote }}}
  - {{ include "staffetta.secretEntry" (list $secret "STAFFETTA_KAFKA_SASL_PASSWORD") }}
  {{- end }}
STAFFETTA_REDIS_URL:
  {{- if $v.bundled.redis.enabled }}
  - {name: STAFFETTA_REDIS_URL, value: "redis://{{ $fullname }}-redis:6379"}
  {{- else }}
  {{- if $v.redis.urlInSecret }}
  - {{ include "staffetta.secretEntry" (list $secret "STAFFETTA_REDIS_URL") }}
  {{- else }}
  - {name: STAFFETTA_REDIS_URL, value: {{ $v.redis.url | quote }}}
  {{- end }}
  {{- if $v.redis.tls.ca.secret }}
  - {name: STAFFETTA_REDIS_TLS_CA_FILE, value: {{ printf "/etc/staffetta/redis-ca/%s" $v.redis.tls.ca.key | quote }}}
  {{- end }}
  {{- if $v.redis.tls.client.secret }}
  - {name: STAFFETTA_REDIS_TLS_CERT_FILE, value: {{ printf "/etc/staffetta/redis-client/%s" $v.redis.tls.client.cert | quote }}}
  - {name: STAFFETTA_REDIS_TLS_KEY_FILE, value: {{ printf "/etc/staffetta/redis-client/%s" $v.redis.tls.client.key | quote }}}
  {{- end }}
  {{- end }}
STAFFETTA_DATABASE_URL:
  {{- if $v.bundled.postgres.enabled }}
  - {{ include "staffetta.secretEntry" (list $secret "POSTGRES_PASSWORD") }}
  - {name: STAFFETTA_DATABASE_URL, value: "postgres://staffetta:$(POSTGRES_PASSWORD)@{{ $fullname }}-postgres:5432/staffetta?sslmode=disable"}
  {{- else }}
  - {{ include "staffetta.secretEntry" (list $secret "STAFFETTA_DATABASE_URL") }}
  {{- end }}
STAFFETTA_ADMIN_KEY:
  - {{ include "staffetta.secretEntry" (list $secret "STAFFETTA_ADMIN_KEY") }}
STAFFETTA_ENCRYPTION_KEY:
  - {{ include "staffetta.secretEntry" (list $secret "STAFFETTA_ENCRYPTION_KEY") }}
{{- range $name, $value := dict
  "STAFFETTA_PUBLIC_URL" $s.publicUrl
  "STAFFETTA_EVENT_TOPICS" (join "," $s.eventTopics)
  "STAFFETTA_TRUSTED_PROXIES" (join "," $s.trustedProxies)
  "STAFFETTA_EGRESS_ALLOW" (join "," $s.egressAllow)
  "STAFFETTA_ALLOW_HTTP" (ternary "true" "" $s.allowHttp)
  "STAFFETTA_BREAKER_MAX_OPEN" $s.breakerMaxOpen
  "STAFFETTA_STREAK_NOTIFY" $s.streakNotify
  "STAFFETTA_STREAK_DISABLE" $s.streakDisable
  "STAFFETTA_LOG_RETENTION" $s.logRetention
  "STAFFETTA_PAYLOAD_RETENTION" $s.payloadRetention
  "STAFFETTA_QUARANTINE_RETENTION" $s.quarantineRetention
  "STAFFETTA_TRACE_URL" $s.traceUrl
  "STAFFETTA_FRAME_ANCESTORS" (join "," $s.frameAncestors)
  "STAFFETTA_OIDC_ISSUER" $s.oidc.issuer
  "STAFFETTA_OIDC_CLIENT_ID" $s.oidc.clientId
  "STAFFETTA_MAIL_FROM" $s.mail.from
}}
{{- if $value }}
{{ $name }}:
  - {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}
{{- range $name, $wanted := dict
  "STAFFETTA_EGRESS_PROXY" $s.egressProxy
  "STAFFETTA_OIDC_CLIENT_SECRET" $s.oidc.issuer
  "STAFFETTA_SMTP_URL" $s.mail.from
}}
{{- if $wanted }}
{{ $name }}:
  - {{ include "staffetta.secretEntry" (list $secret $name) }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "staffetta.secretEntry" -}}
{name: {{ index . 1 }}, valueFrom: {secretKeyRef: {name: {{ index . 0 }}, key: {{ index . 1 }}}}}
{{- end -}}

{{/*
The environment of a container: root, secret, names (as in files/services.yaml), memory, its limit,
and env, the entries that the installation adds.
*/}}
{{- define "staffetta.env" -}}
{{- $settings := include "staffetta.settings" . | fromYaml -}}
{{- $entries := list -}}
{{- range .names -}}
{{- $entries = concat $entries (default list (get $settings .)) -}}
{{- end -}}
{{- with .root.Values.settings.logLevel -}}
{{- $entries = append $entries (dict "name" "STAFFETTA_LOG_LEVEL" "value" .) -}}
{{- end -}}
{{- with .root.Values.settings.otlpEndpoint -}}
{{- $entries = append $entries (dict "name" "OTEL_EXPORTER_OTLP_ENDPOINT" "value" .) -}}
{{- end -}}
{{- with include "staffetta.goMemory" .memory -}}
{{- $entries = append $entries (dict "name" "GOMEMLIMIT" "value" .) -}}
{{- end -}}
{{- $set := dict -}}
{{- range $entries -}}{{- $_ := set $set .name true -}}{{- end -}}
{{- range .env -}}
{{- if hasKey $set .name -}}
{{- fail (printf "env: %s is set by the chart already: use its value" .name) -}}
{{- end -}}
{{- $entries = append $entries . -}}
{{- end -}}
{{- toYaml $entries -}}
{{- end -}}

{{/* Nine tenths of a memory limit in Mi or Gi, for the Go runtime: it collects sooner as it comes close. */}}
{{- define "staffetta.goMemory" -}}
{{- $text := toString . -}}
{{- if regexMatch "^[0-9]+Gi$" $text -}}
{{ div (mul (trimSuffix "Gi" $text | int64) 1024 9) 10 }}MiB
{{- else if regexMatch "^[0-9]+Mi$" $text -}}
{{ div (mul (trimSuffix "Mi" $text | int64) 9) 10 }}MiB
{{- end -}}
{{- end -}}
