{{/* The pod of a worker. On demand the coordinator adds its name, node, GPUs and address. */}}
{{- define "ocellus.workerPod" -}}
metadata:
  labels:
    {{- include "ocellus.labels" . | nindent 4 }}
    app.kubernetes.io/component: worker
  {{- with .Values.worker.podAnnotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "ocellus.worker.account" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ add (.Values.worker.stopGraceSeconds | int) 30 }}
  {{- with .Values.worker.runtimeClassName }}
  runtimeClassName: {{ . }}
  {{- end }}
  {{- with .Values.worker.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with .Values.image.pullSecrets }}
  imagePullSecrets: {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext: {{- include "ocellus.podSecurity" . | nindent 4 }}
  containers:
    - name: worker
      image: {{ include "ocellus.image" (dict "image" .Values.image.worker "root" $) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      command: [ocellus-worker]
      args:
        {{- include "ocellus.workerArgs" . | nindent 8 }}
      env:
        {{- if eq .Values.worker.mode "pool" }}
        - name: OCELLUS_NODE
          valueFrom: {fieldRef: {fieldPath: metadata.name}}
        - name: OCELLUS_HOST    # ranks elsewhere find this one by its address
          valueFrom: {fieldRef: {fieldPath: status.podIP}}
        - {name: OCELLUS_CPU_SLOTS, value: {{ .Values.worker.cpuSlots | int | quote }}}
        {{- end }}
        {{- include "ocellus.storeEnv" . | trim | nindent 8 }}
        {{- with .Values.worker.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - {name: metrics, containerPort: 7412}
      startupProbe:
        httpGet: {path: /metrics, port: metrics}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: {path: /metrics, port: metrics}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      {{- $resources := deepCopy .Values.worker.resources }}
      {{- if and .Values.worker.gpus (eq .Values.worker.mode "pool") }}
      {{- $limits := merge (dict .Values.worker.gpuResource (.Values.worker.gpus | int)) (default dict $resources.limits) }}
      {{- $_ := set $resources "limits" $limits }}
      {{- end }}
      resources: {{- toYaml $resources | nindent 8 }}
      securityContext: {{- include "ocellus.containerSecurity" . | nindent 8 }}
      volumeMounts:
        - {name: data, mountPath: /var/lib/ocellus}
        - {name: tmp, mountPath: /tmp}
        - {name: shm, mountPath: /dev/shm}
        {{- include "ocellus.workerTlsMounts" . | trim | nindent 8 }}
        {{- include "ocellus.storeMounts" . | trim | nindent 8 }}
        {{- with .Values.worker.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- if eq .Values.worker.data.kind "emptyDir" }}
    - {name: data, emptyDir: {sizeLimit: {{ .Values.worker.data.size }}}}
    {{- else if or (eq .Values.worker.data.kind "ephemeral") (eq .Values.worker.mode "onDemand") }}
    - name: data
      ephemeral:
        volumeClaimTemplate:
          spec:
            accessModes: [ReadWriteOnce]
            {{- with .Values.worker.data.storageClass }}
            storageClassName: {{ . }}
            {{- end }}
            resources: {requests: {storage: {{ .Values.worker.data.size }}}}
    {{- end }}
    - {name: tmp, emptyDir: {sizeLimit: 4Gi}}
    - {name: shm, emptyDir: {medium: Memory, sizeLimit: {{ .Values.worker.sharedMemory }}}}
    {{- include "ocellus.workerTlsVolumes" . | trim | nindent 4 }}
    {{- include "ocellus.storeVolumes" . | trim | nindent 4 }}
    {{- with .Values.worker.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.worker.nodeSelector }}
  nodeSelector: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.worker.tolerations }}
  tolerations: {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.worker.affinity }}
  affinity: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* What a worker needs to know the coordinator, and to be known. */}}
{{- define "ocellus.workerTlsMounts" -}}
{{- if include "ocellus.authoritySecret" . }}
- {name: authority, mountPath: /etc/ocellus/authority, readOnly: true}
{{- end }}
{{- if .Values.auth.joinTokenSecret }}
- {name: join, mountPath: /etc/ocellus/join, readOnly: true}
{{- end }}
{{- end -}}

{{- define "ocellus.workerTlsVolumes" -}}
{{- with include "ocellus.authoritySecret" . }}
- name: authority
  secret: {secretName: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- with .Values.auth.joinTokenSecret }}
- name: join
  secret: {secretName: {{ . }}, defaultMode: 0440, items: [{key: token, path: token}]}
{{- end }}
{{- end -}}
