{{/* Secrets with certificates that a pod mounts, as a YAML map: volume's name → Secret. Takes root and names of its settings. */}}
{{- define "staffetta.certificates" -}}
{{- $v := .root.Values -}}
{{- if and (has "STAFFETTA_KAFKA_BROKERS" .names) $v.kafka.tls.enabled (not $v.bundled.kafka.enabled) -}}
{{- with $v.kafka.tls.ca.secret }}
kafka-ca: {{ . }}
{{- end -}}
{{- with $v.kafka.tls.client.secret }}
kafka-client: {{ . }}
{{- end -}}
{{- end -}}
{{- if and (has "STAFFETTA_REDIS_URL" .names) (not $v.bundled.redis.enabled) -}}
{{- with $v.redis.tls.ca.secret }}
redis-ca: {{ . }}
{{- end -}}
{{- with $v.redis.tls.client.secret }}
redis-client: {{ . }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The start of a container: root, command, names, env, memory, resources, extraVolumeMounts. */}}
{{- define "staffetta.container" -}}
name: staffetta
image: {{ include "staffetta.image" .root }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
args:
  {{- toYaml .command | nindent 2 }}
env:
  {{- include "staffetta.env" . | nindent 2 }}
resources:
  {{- toYaml .resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  capabilities:
    drop: [ALL]
  readOnlyRootFilesystem: true
{{- $certificates := include "staffetta.certificates" . | fromYaml }}
{{- if or $certificates .extraVolumeMounts }}
volumeMounts:
  {{- range $name, $secret := $certificates }}
  - {name: {{ $name }}, mountPath: /etc/staffetta/{{ $name }}, readOnly: true}
  {{- end }}
  {{- with .extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* The rest of a pod's spec: root, names, extraVolumes. */}}
{{- define "staffetta.pod" -}}
# No pod speaks to Kubernetes.
automountServiceAccountToken: false
# A variable for each port of each Service of the namespace helps nobody, and STAFFETTA_… are ours.
enableServiceLinks: false
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  seccompProfile:
    type: RuntimeDefault
{{- $certificates := include "staffetta.certificates" . | fromYaml }}
{{- if or $certificates .extraVolumes }}
volumes:
  {{- range $name, $secret := $certificates }}
  - {name: {{ $name }}, secret: {secretName: {{ $secret }}, defaultMode: 0440}}
  {{- end }}
  {{- with .extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end -}}
