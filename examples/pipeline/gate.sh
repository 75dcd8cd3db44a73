#!/bin/sh
# A load test as a gate: run it anew, wait for its verdict, and print that with its reasons.
#
#   gate.sh MANIFEST [TIMEOUT]       MANIFEST of one LoadTest; TIMEOUT as kubectl takes it, 30m by default
#
# Exits 0 for Passed, 1 for Failed, 2 for Inconclusive or no verdict. Time-out, Ctrl-C and SIGTERM stop the load.
# RUN_ID names the run, by default the time does; a run id that has had its run keeps its verdict.
set -u
change="{\"spec\":{\"runId\":\"${RUN_ID:-$(date -u +%Y%m%d-%H%M%S)}\",\"stop\":false}}"
test=$(mktemp)
trap 'rm -f "$test"' EXIT
kubectl patch --local -f "$1" --type=merge -p "$change" -o yaml >"$test" || exit 2

on_test() { # VERB [OPTION...]
  kubectl "$@" -f "$test"
}

timeout=${2:-30m}
# A signal ends the waiting, now or when it comes to it, and so stops the test.
trap 'timeout=0s' INT TERM
on_test apply || exit 2
on_test wait --for=condition=Completed --timeout="$timeout" &
wait $! || {
  on_test patch --type=merge -p '{"spec":{"stop":true}}'
  on_test wait --for=condition=Completed --timeout=3m
}
on_test get -o jsonpath='{.status.verdict}: {.status.message}{"\n"}{range .status.reasons[1:]}  also: {@}{"\n"}{end}'
case $(on_test get -o jsonpath='{.status.verdict}') in
  Passed) exit 0 ;;
  Failed) exit 1 ;;
  *) exit 2 ;;
esac
