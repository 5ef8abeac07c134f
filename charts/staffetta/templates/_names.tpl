{{/* The chart's name in labels. */}}
{{- define "staffetta.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What the names of all objects begin with: 40 characters at most, so that what follows fits into 63. */}}
{{- define "staffetta.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What selects the pods of a component: root, component. It never changes: Kubernetes refuses that. */}}
{{- define "staffetta.selector" -}}
app.kubernetes.io/name: {{ include "staffetta.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{/* Labels of a pod: those of its component and, so that a look shows it, the version. */}}
{{- define "staffetta.podLabels" -}}
{{ include "staffetta.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end -}}

{{/* Labels of an object: root and, unless it belongs to all of them, component. */}}
{{- define "staffetta.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "staffetta.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end -}}

{{/* The Secret with what nobody may see. One that the chart makes has the release's name. */}}
{{- define "staffetta.secret" -}}
{{- if .Values.secret.create -}}{{ include "staffetta.fullname" . }}{{- else -}}{{ .Values.secret.name }}{{- end -}}
{{- end -}}

{{- define "staffetta.serviceAccount" -}}
{{- if .Values.serviceAccount.name -}}{{ .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.create -}}{{ include "staffetta.fullname" . }}
{{- else -}}default{{- end -}}
{{- end -}}

{{- define "staffetta.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ if .digest }}@{{ .digest }}{{ else }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end -}}
{{- end -}}

{{/* Whether jobs run beside the services and not before them: what they need is part of the release. */}}
{{- define "staffetta.bundled" -}}
{{- if or .Values.bundled.kafka.enabled .Values.bundled.redis.enabled .Values.bundled.postgres.enabled }}true{{ end -}}
{{- end -}}

{{/* The jobs that are to run, as a YAML map by name: the facts of files/services.yaml. */}}
{{- define "staffetta.jobs" -}}
{{- range $name, $facts := (.Files.Get "files/services.yaml" | fromYaml).jobs -}}
{{- if (get $.Values.jobs $name).enabled }}
{{ toYaml (dict $name $facts) }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Annotations of what jobs need before the release is there, which goes when they are done; nothing if none is a hook. */}}
{{- define "staffetta.hookPart" -}}
{{- $when := list -}}
{{- if not (include "staffetta.bundled" .) -}}
{{- range include "staffetta.jobs" . | fromYaml -}}{{- $when = append $when .when -}}{{- end -}}
{{- end -}}
{{- with uniq $when -}}
helm.sh/hook: {{ join "," . }}
helm.sh/hook-weight: "-10"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}
{{- end -}}
