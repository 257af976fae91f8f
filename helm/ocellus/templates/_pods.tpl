{{/* What every pod of the restricted profile needs. */}}
{{- define "ocellus.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "ocellus.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Credentials and authority of the object store. */}}
{{- define "ocellus.storeEnv" -}}
{{- with .Values.objectStore.region }}
- {name: AWS_REGION, value: {{ . | quote }}}
{{- end }}
{{- if .Values.objectStore.existingSecret }}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ .Values.objectStore.existingSecret }}, key: AWS_ACCESS_KEY_ID}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ .Values.objectStore.existingSecret }}, key: AWS_SECRET_ACCESS_KEY}}
{{- end }}
{{- if .Values.objectStore.caSecret }}
- {name: AWS_CA_BUNDLE, value: /etc/ocellus/store-ca/ca.crt}
{{- end }}
{{- end -}}

{{- define "ocellus.storeMounts" -}}
{{- if include "ocellus.storeClaim" . }}
- {name: store, mountPath: {{ trimPrefix "file://" .Values.objectStore.uri }}}
{{- end }}
{{- if .Values.objectStore.caSecret }}
- {name: store-ca, mountPath: /etc/ocellus/store-ca, readOnly: true}
{{- end }}
{{- end -}}

{{- define "ocellus.storeVolumes" -}}
{{- with include "ocellus.storeClaim" . }}
- {name: store, persistentVolumeClaim: {claimName: {{ . }}}}
{{- end }}
{{- with .Values.objectStore.caSecret }}
- name: store-ca
  secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end -}}

{{/* To the object store; a store on a volume needs no network. */}}
{{- define "ocellus.storeEgress" -}}
{{- if not (hasPrefix "file://" .Values.objectStore.uri) -}}
- ports:
    {{- range .Values.networkPolicy.objectStore.ports }}
    - {port: {{ . | int }}}
    {{- end }}
  {{- with .Values.networkPolicy.objectStore.to }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}
