{{- define "loadtest-operator.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "loadtest-operator.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "loadtest-operator.labels" -}}
{{ include "loadtest-operator.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "loadtest-operator.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}

{{/* The names by which the cluster reaches the Service of the live pages. */}}
{{- define "loadtest-operator.uiNames" -}}
{{- $service := printf "%s-ui" (include "loadtest-operator.name" .) }}
{{- $full := printf "%s.%s" $service .Release.Namespace -}}
{{ join "," (list $service $full (printf "%s.svc" $full) (printf "%s.svc.%s" $full .Values.clusterDomain)) }}
{{- end -}}

{{- define "loadtest-operator.targets" -}}
{{ include "loadtest-operator.name" . }}-targets
{{- end -}}

{{- define "loadtest-operator.secretPolicy" -}}
{{ include "loadtest-operator.name" . }}-secret-access
{{- end -}}

{{/* A condition of a policy that concerns the operator alone. */}}
{{- define "loadtest-operator.is-the-operator" -}}
- name: is-the-operator
  expression: >-
    request.userInfo.username == 'system:serviceaccount:{{ .Release.Namespace }}:{{ include "loadtest-operator.name" . }}'
{{- end -}}

{{/* The binding that puts a policy of this release into force; takes the root and the end of the policy's name. */}}
{{- define "loadtest-operator.binding" -}}
{{- $root := index . 0 }}
{{- $name := printf "%s-%s" (include "loadtest-operator.name" $root) (index . 1) -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ $name }}
  labels:
    {{- include "loadtest-operator.labels" $root | nindent 4 }}
spec:
  policyName: {{ $name }}
  validationActions: [Deny]
{{- end -}}

{{/*
Of all that is written of LoadTests, what says what is run: a new one, or another run, without which nothing but stop
and suspend can change. So who may only stop a test needs no right to what it names.
*/}}
{{- define "loadtest-operator.says-what-to-run" -}}
- name: says-what-to-run
  expression: >-
    oldObject == null || object.spec.?runId.orValue('1') != oldObject.spec.?runId.orValue('1')
    || object.spec.?target != oldObject.spec.?target || object.spec.?verification != oldObject.spec.?verification
    || object.spec.?pod != oldObject.spec.?pod
{{- end -}}

{{/* What the operator may do in a namespace whose tests it runs. It reads no Secret there. */}}
{{- define "loadtest-operator.rules" -}}
- apiGroups: [x-load-test.dev]
  resources: [loadtests]
  verbs: [get, list, watch, patch, delete]
- apiGroups: [x-load-test.dev]
  resources: [loadtests/status]
  verbs: [patch]
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, delete]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [list, create, delete]
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch]
- apiGroups: [""]
  resources: [configmaps]
  {{- $archives := or .Values.archive.persistentVolumeClaim .Values.archive.s3.url }}
  verbs: [create, list, delete{{ if or $archives .Values.ui.enabled }}, get{{ end }}{{ if $archives }}, patch{{ end }}]
- apiGroups: [""]
  resources: [events]
  verbs: [create, list]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
# What a test watches while it runs, if spec.target.workload names it.
- apiGroups: [apps]
  resources: [deployments, statefulsets, daemonsets, replicasets]
  verbs: [get]
- apiGroups: [metrics.k8s.io]
  resources: [pods]
  verbs: [list]
{{- end -}}

{{/*
The metadata of an object for the cluster's monitoring; takes the root, its values, and the end of its name if it has one.
*/}}
{{- define "loadtest-operator.watched-metadata" -}}
{{- $root := index . 0 }}
{{- $values := index . 1 -}}
name: {{ include "loadtest-operator.name" $root }}{{ range slice . 2 }}-{{ . }}{{ end }}
namespace: {{ $values.namespace | default $root.Release.Namespace }}
labels:
  {{- $own := include "loadtest-operator.labels" $root | fromYaml }}
  {{- toYaml (merge $own $values.labels) | nindent 2 }}
{{- end -}}

{{/* How the metrics are scraped, by the Service or by the pods: the label `namespace` of a series is the LoadTest's. */}}
{{- define "loadtest-operator.scraping" -}}
- port: http
  path: /metrics
  honorLabels: true
  {{- with .interval }}
  interval: {{ . }}
  {{- end }}
{{- end -}}
