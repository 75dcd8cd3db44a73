#!/bin/sh
# A load test as a gate, for those who have kubectl alone; `gate.sh --help` says how it is used.
set -u
usage() {
  cat <<'END'
usage: gate.sh [OPTION...] MANIFEST [TIMEOUT]

Runs the LoadTest of MANIFEST anew, shows its course on standard error, waits for its verdict, and prints the verdict
with reasons, thresholds and proof. TIMEOUT is as kubectl takes it, 30m by default. Time-out, Ctrl-C and SIGTERM stop
the load.

  --run-id ID           name of the run (default: RUN_ID, else the time). If the test's last run has this id, nothing is
                        run, and the verdict is the one of that run, which is said. So name the attempt too
  --deployed KIND/NAME  first wait until this workload, in the namespace of the test, has rolled out; the default run
                        id is then the tag of its image with the time
  --image IMAGE         nothing is loaded unless that workload runs this image
  --out DIR             save report, summary, time series and JUnit XML there, as TEST_RUN_report.html and so on
  --summary FILE        append the verdict as Markdown to this file

exit status: 0 Passed, 1 Failed under load, 2 Inconclusive or no verdict, 3 nothing was loaded (the target or the API
server refused the test, it is configured wrongly or not permitted, it was stopped before its load, or another version
is deployed than that which is asked for, or than that of the run that the run id had), 64 wrong usage
END
}
refuse() { # STATUS MESSAGE
  echo "gate.sh: $2" >&2
  exit "$1"
}

manifest='' timeout='' run_id=${RUN_ID-} deployed='' image='' out='' summary=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --run-id | --deployed | --image | --out | --summary)
      [ $# -gt 1 ] || refuse 64 "$1 needs a value; see --help"
      case $1 in
        --run-id) run_id=$2 ;;
        --deployed) deployed=$2 ;;
        --image) image=$2 ;;
        --out) out=$2 ;;
        --summary) summary=$2 ;;
      esac
      shift
      ;;
    -?*) refuse 64 "$1 is no option; see --help" ;;
    *)
      [ -z "$timeout" ] || refuse 64 "$1 is one argument too many; see --help"
      if [ -z "$manifest" ]; then manifest=$1; else timeout=$1; fi
      ;;
  esac
  shift
done
[ -n "$manifest" ] || { usage >&2 && exit 64; }
[ -z "$image" ] || [ -n "$deployed" ] || refuse 64 "--image is about a workload that --deployed names"
timeout=${timeout:-30m}

test=$(mktemp)
reading=$(mktemp)
children=''
trap 'rm -f "$test" "$reading"; kill $children 2>/dev/null' EXIT
kubectl patch --local -f "$manifest" --type=merge -p '{"spec":{"stop":false}}' -o yaml >"$test" || exit 64
namespace=$(kubectl patch --local -f "$test" --type=merge -p '{}' -o jsonpath='{.metadata.namespace}')

on_test() { # VERB [OPTION...]
  kubectl "$@" -f "$test"
}
in_namespace() { # ARGUMENT...
  kubectl ${namespace:+"--namespace=$namespace"} "$@"
}
read_test() {
  on_test get --ignore-not-found -o yaml >"$reading"
}
# Of one reading, so that all is said of one run, also if somebody starts another one.
of_test() { # TEMPLATE
  [ ! -s "$reading" ] || kubectl patch --local -f "$reading" --type=merge -p '{}' -o go-template="$1"
}

trap 'exit 3' INT TERM
if [ -n "$deployed" ]; then
  # A function would be a shell of its own, whose end would leave kubectl behind.
  kubectl ${namespace:+"--namespace=$namespace"} rollout status "$deployed" --timeout="$timeout" >&2 &
  children=$!
  wait $! || refuse 3 "$deployed has not rolled out"
  images=$(in_namespace get "$deployed" -o jsonpath='{.spec.template.spec.containers[*].image}') || exit 3
  case " $images " in
    *" ${image:-${images%% *}} "*) ;;
    *) refuse 3 "$deployed runs $images and not $image" ;;
  esac
  tag=${image:-${images%% *}}
  tag=${tag##*[:@/]}
  # A run id is the value of a label, with at most 63 characters.
  run_id=${run_id:-$(printf %.40s "$tag")-$(date -u +%Y%m%d-%H%M%S)}
fi
run_id=${run_id:-$(date -u +%Y%m%d-%H%M%S)}
kubectl patch --local -f "$manifest" --type=merge -p "{\"spec\":{\"runId\":\"$run_id\",\"stop\":false}}" -o yaml >"$test" || exit 64

of_this_run='{{with .status}}{{if eq (or .runId "") "'"$run_id"'"}}'
read_test || exit 3
earlier_run_id=$(of_test '{{.spec.runId}}')
known=$(of_test "$of_this_run"'{{$ended := ""}}{{range .conditions}}{{if and (eq .type "Completed") (eq .status "True")}}{{$ended = "ended"}}{{end}}{{end}}{{or $ended "begun"}} {{or .startedAt "-"}} {{or .completedAt "-"}}{{end}}{{end}}')
notice=''
if [ -n "$known" ]; then
  # shellcheck disable=SC2086 # three words
  set -- $known
  notice="run $run_id has begun before; this is its verdict"
  [ "$1" = begun ] || notice="run $run_id had already ended at $3; nothing was run now, and this is its verdict"
  notice="$notice. Give a new run id for another run."
  oldest=''
  if [ -n "$deployed" ]; then
    labels=$(in_namespace get "$deployed" -o go-template='{{range $key, $value := .spec.selector.matchLabels}}{{$key}}={{$value}},{{end}}')
    oldest=$(in_namespace get pods --selector="${labels%,}" --field-selector=status.phase=Running -o go-template='{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.creationTimestamp}}
{{end}}{{end}}' | sort | head -n 1)
  fi
  # A rollout replaces every pod. Times of this form have the order of their texts.
  if [ -n "$oldest" ] && [ "$2" != - ] && LC_ALL=C expr "$oldest" '>' "$2" >/dev/null; then
    refuse 3 "run $run_id loaded from $2 on, and every pod of $deployed is younger than that: give a new run id"
  fi
  echo "gate.sh: $notice" >&2
fi
# A signal ends the waiting, now or when it comes to it, and so stops the test.
trap 'timeout=0s' INT TERM
on_test apply || {
  # Only the answer may have been lost.
  read_test || refuse 2 "nobody knows whether run $run_id was applied; if it was, its load goes on"
  [ "$earlier_run_id" != "$run_id" ] && [ "$(of_test '{{.spec.runId}}')" = "$run_id" ] || exit 3
}
kubectl get --watch -f "$test" >&2 &
children=$!
kubectl wait --for=condition=Completed --timeout="$timeout" -f "$test" &
children="$children $!"
stop_test() {
  # The load goes on until the API server hears this.
  for pause in 1 2 5 10 20 0; do
    on_test patch --type=merge -p '{"spec":{"stop":true}}' && return
    read_test && [ ! -s "$reading" ] && return
    sleep "$pause"
  done
}
wait $! || {
  stop_test
  on_test wait --for=condition=Completed --timeout=3m
}
kill $children 2>/dev/null

# Until an operator has looked at the new run, the status has the verdict of the run before.
read_test
ended=$(of_test "$of_this_run"'{{or .verdict ""}}/{{or .reasonClass ""}}{{end}}{{end}}')
[ -n "$ended" ] || refuse 2 "run $run_id has no verdict: no operator has looked at it, or it gave way to another run"
# The class is Load if the load began. An operator of an earlier version gives no class.
never_loaded=''
case $ended in
  Passed/* | */Load | */) ;;
  *) never_loaded=' (never loaded)' ;;
esac
of_test '{{with .status}}{{or .verdict "no verdict"}}'"$never_loaded"': {{.message}}
{{range $i, $reason := .reasons}}{{if and $i (ne $reason "see status.message")}}  also: {{$reason}}
{{end}}{{end}}{{range $i, $line := .atAGlance}}{{if $i}}  {{$line}}
{{end}}{{end}}{{end}}'

save_results() {
  results=$(of_test '{{with .status.results}}{{.configMap}}{{end}}')
  [ -n "$results" ] || return
  mkdir -p "$out" || return
  stem=$out/$(of_test '{{.metadata.name}}_{{.status.runId}}')
  for key in $(in_namespace get configmap "$results" -o go-template='{{range $key, $_ := .data}}{{$key}} {{end}}'); do
    in_namespace get configmap "$results" -o go-template="{{index .data \"$key\"}}" >"${stem}_$key" || return
    echo "${stem}_$key"
  done
  for key in $(in_namespace get configmap "$results" -o go-template='{{range $key, $_ := .binaryData}}{{$key}} {{end}}'); do
    in_namespace get configmap "$results" -o go-template="{{index .binaryData \"$key\" | base64decode}}" |
      gunzip >"${stem}_${key%.gz}" || return
    echo "${stem}_${key%.gz}"
  done
}
[ -z "$out" ] || save_results || echo "gate.sh: the results could not be saved" >&2
# An operator of this version has written the summary. A test that ended before any results has the rest.
write_summary() {
  results=$(of_test '{{with .status.results}}{{.configMap}}{{end}}')
  markdown=
  [ -z "$results" ] || markdown=$(in_namespace get configmap "$results" -o go-template='{{with index .data "summary.md"}}{{.}}{{end}}')
  if [ -n "$markdown" ]; then
    printf '%s\n\n' "$markdown"
    [ -z "$notice" ] || printf 'Note: %s\n\n' "$notice"
    return
  fi
  of_test '## Load test {{.metadata.name}}: {{with .status}}{{or .verdict "no verdict"}}'"$never_loaded"'

Run `{{.runId}}`. {{.message}}
{{range $i, $reason := .reasons}}{{if and $i (ne $reason "see status.message")}}
- {{$reason}}{{end}}{{end}}

```
{{range $i, $line := .atAGlance}}{{if $i}}{{$line}}
{{end}}{{end}}```
{{end}}'
  [ -z "$notice" ] || printf '\nNote: %s\n' "$notice"
}
[ -z "$summary" ] || write_summary >>"$summary"

case $ended in
  Passed/*) exit 0 ;;
  Failed/Load | Failed/) exit 1 ;;
  Inconclusive/Load | Inconclusive/ | /*) exit 2 ;;
  */*) exit 3 ;;
  *) exit 2 ;;
esac
