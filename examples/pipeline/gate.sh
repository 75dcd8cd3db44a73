#!/bin/sh
# A load test as a gate: run it anew, wait for its verdict, and print that with its reasons.
#
#   gate.sh MANIFEST [TIMEOUT]       MANIFEST of one LoadTest; TIMEOUT as kubectl takes it, 30m by default
#
# Exits 0 for Passed, 1 for Failed under load, 2 for Inconclusive or no verdict, 3 if nothing was loaded (the target or
# the API server refused the test, it is configured wrongly or not permitted, or it was stopped before its load), 64 for
# wrong usage. Time-out, Ctrl-C and SIGTERM stop the load.
# RUN_ID names the run, by default the time does; a run id that has had its run keeps its verdict.
set -u
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: gate.sh MANIFEST [TIMEOUT], with the manifest of one LoadTest" >&2
  exit 64
fi
change="{\"spec\":{\"runId\":\"${RUN_ID:-$(date -u +%Y%m%d-%H%M%S)}\",\"stop\":false}}"
test=$(mktemp)
trap 'rm -f "$test"' EXIT
kubectl patch --local -f "$1" --type=merge -p "$change" -o yaml >"$test" || exit 64

on_test() { # VERB [OPTION...]
  kubectl "$@" -f "$test"
}

timeout=${2:-30m}
# A signal ends the waiting, now or when it comes to it, and so stops the test.
trap 'timeout=0s' INT TERM
on_test apply || exit 3
on_test wait --for=condition=Completed --timeout="$timeout" &
wait $! || {
  on_test patch --type=merge -p '{"spec":{"stop":true}}'
  on_test wait --for=condition=Completed --timeout=3m
}
on_test get -o jsonpath='{.status.verdict}: {.status.message}{"\n"}{range .status.reasons[1:]}  also: {@}{"\n"}{end}'
# The class is Load if the load began. An operator of an earlier version gives no class.
case $(on_test get -o jsonpath='{.status.verdict}/{.status.reasonClass}') in
  Passed/*) exit 0 ;;
  Failed/Load | Failed/) exit 1 ;;
  Inconclusive/Load | Inconclusive/ | /*) exit 2 ;;
  */*) exit 3 ;;
  *) exit 2 ;;
esac
