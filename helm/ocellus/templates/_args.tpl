{{- define "ocellus.coordinatorArgs" -}}
- --data-dir=/var/lib/ocellus
- --listen=0.0.0.0:7410
- --metrics-listen=0.0.0.0:7411
{{- if .Values.page.enabled }}
- --page-listen=0.0.0.0:7413
{{- else }}
- --page-listen=none
{{- end }}
- {{ printf "--store=%s" .Values.objectStore.uri | quote }}
- --lease-ms={{ .Values.coordinator.leaseMs | int }}
- --secure
{{- if include "ocellus.tlsSecret" . }}
- --tls-cert=/etc/ocellus/tls/tls.crt
- --tls-key=/etc/ocellus/tls/tls.key
{{- else }}
- --tls-name={{ include "ocellus.coordinator" . }}
- --tls-name={{ include "ocellus.coordinator" . }}.{{ .Release.Namespace }}
- --tls-name={{ include "ocellus.coordinator" . }}.{{ .Release.Namespace }}.svc
- --tls-name=localhost
- --tls-name=127.0.0.1
{{- range .Values.tls.names }}
- {{ printf "--tls-name=%s" . | quote }}
{{- end }}
{{- end }}
{{- if .Values.auth.adminTokenSecret }}
- --admin-token=/etc/ocellus/admin/token
{{- end }}
{{- if eq .Values.worker.mode "onDemand" }}
- --kubernetes=in-cluster
- --kubernetes-pod-template=/etc/ocellus/worker-pod/pod.yaml
- --kubernetes-ranks-per-pod={{ max 1 (.Values.worker.gpus | int) }}
- --kubernetes-gpu-resource={{ .Values.worker.gpuResource }}
- {{ printf "--kubernetes-topology-key=%s" .Values.worker.topologyKey | quote }}
- --kubernetes-installation={{ include "ocellus.fullname" . }}
- --kubernetes-owner=apps/v1/StatefulSet/{{ include "ocellus.coordinator" . }}
- --kubernetes-lease={{ include "ocellus.coordinator" . }}
{{- end }}
{{- with .Values.coordinator.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "ocellus.workerArgs" -}}
- --coordinator={{ include "ocellus.address" . }}
- --data-dir=/var/lib/ocellus
- --metrics-listen=0.0.0.0:7412
{{- if include "ocellus.authoritySecret" . }}
- --ca=/etc/ocellus/authority/ca.crt
{{- end }}
{{- if .Values.auth.joinTokenSecret }}
- --join=/etc/ocellus/join/token
{{- end }}
- --threads={{ .Values.worker.threads | int }}
- --stop-grace-s={{ .Values.worker.stopGraceSeconds | int }}
{{- with .Values.worker.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end -}}
