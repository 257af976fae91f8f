{{- define "ocellus.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters: names of pods of the pool are node names, and labels hold 63. */}}
{{- define "ocellus.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "ocellus.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "ocellus.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* No version in selectors: they cannot change. */}}
{{- define "ocellus.selector" -}}
app.kubernetes.io/name: {{ include "ocellus.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "ocellus.labels" -}}
{{ include "ocellus.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: ocellus
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "ocellus.coordinator" -}}{{ include "ocellus.fullname" . }}-coordinator{{- end -}}
{{- define "ocellus.worker" -}}{{ include "ocellus.fullname" . }}-worker{{- end -}}

{{- define "ocellus.coordinator.account" -}}
{{- $a := .Values.serviceAccounts.coordinator -}}
{{- if $a.create }}{{ default (include "ocellus.coordinator" .) $a.name }}{{ else }}{{ default "default" $a.name }}{{ end -}}
{{- end -}}
{{- define "ocellus.worker.account" -}}
{{- $a := .Values.serviceAccounts.worker -}}
{{- if $a.create }}{{ default (include "ocellus.worker" .) $a.name }}{{ else }}{{ default "default" $a.name }}{{ end -}}
{{- end -}}

{{/* (dict "image" .Values.image.worker "root" $) */}}
{{- define "ocellus.image" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" .image.repository .image.digest -}}
{{- else -}}
{{- printf "%s:%s" .image.repository (default .root.Chart.AppVersion .image.tag) -}}
{{- end -}}
{{- end -}}

{{/* Where clients within the cluster find the coordinator. */}}
{{- define "ocellus.address" -}}
{{ include "ocellus.coordinator" . }}.{{ .Release.Namespace }}.svc:7410
{{- end -}}

{{- define "ocellus.tlsSecret" -}}
{{- if eq .Values.tls.source "secret" -}}
{{- required "tls.source secret needs tls.existingSecret" .Values.tls.existingSecret -}}
{{- else if eq .Values.tls.source "certManager" -}}
{{ include "ocellus.coordinator" . }}-tls
{{- end -}}
{{- end -}}

{{- define "ocellus.authoritySecret" -}}
{{- default (include "ocellus.tlsSecret" .) .Values.tls.authoritySecret -}}
{{- end -}}

{{- define "ocellus.storeClaim" -}}
{{- if hasPrefix "file://" .Values.objectStore.uri -}}
{{- default (printf "%s-store" (include "ocellus.fullname" .)) .Values.objectStore.volume.existingClaim -}}
{{- end -}}
{{- end -}}
