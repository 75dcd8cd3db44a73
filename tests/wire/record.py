"""Records what this version writes, for the versions after it to read: `python -m wire.record VERSION`, with tests and
tests/targets on PYTHONPATH.

A real test runs on a local cluster. While it runs, its objects and its pods' snapshots are taken; then the operator is
taken away, and what the pods leave at their end is taken too. Beside each wire form stands its meaning: the same with
every default written out, so that a default that changes later shows.
"""

import json
import re
import sys
import urllib.request
from pathlib import Path
from typing import Any

import msgspec

from loadtest_model.measurement.snapshot import Snapshot
from loadtest_model.plan import compile_plan, plan_hash
from loadtest_model.plan.variable import PLAN_VARIABLE, decode_plan
from loadtest_model.protocol.commands import CONTROL_PORT, Ack, Arm, Halt, Start
from localcluster.cluster import local_cluster
from localcluster.installation import (
    OPERATOR,
    OPERATOR_NAMESPACE,
    install_operator,
    wait_until_available,
    wait_until_served,
)
from localcluster.rest import Json, Rest, wait_for
from support.builders import IDENTITY, a_spec
from support.loadtests import Namespace, Test, make_namespace

FOLDER = Path(__file__).resolve().parent
SPEC: Json = {
    "load": {"batchSize": 200, "virtualUsers": 2, "duration": "12s", "thinkTime": "200ms", "warmUp": "1s"},
    "thresholds": ["error_rate < 1%", "p95 < 20s"],
}
# What compiles to plans that the run above does not have.
SPECS: dict[str, Json] = {
    "light": {"scenario": "light"},
    "all": {"scenario": "all", "abort": {"thresholds": ["error_rate < 20%"]}},
    "arrivals": {
        "scenario": "custom",
        "load": {"batchSize": 100, "arrivalRate": 5, "virtualUsers": 20, "duration": "60s"},
    },
    "read back": {
        "verification": {"require": "Proven", "readBack": {"url": "http://clients/count/", "countPath": "count"}},
    },
}


def meaning(value: Any) -> Any:
    """A wire form with its defaults written out. Its keys are those on the wire, with underscores."""
    if isinstance(value, msgspec.Struct):
        names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        return {_with_underscores(key): meaning(getattr(value, name)) for key, name in names}
    if isinstance(value, dict):
        return {str(key): meaning(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [meaning(each) for each in value]
    return value if isinstance(value, bool | int | float | type(None)) else str(value)


def _with_underscores(key: str) -> str:
    return re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", key)


def snapshots(test: Test) -> list[Json]:
    made = []
    for pod in test.pods():
        url = f"http://{pod['status']['podIP']}:{CONTROL_PORT}/snapshot?since=0"
        with urllib.request.urlopen(url, timeout=10) as answer:
            made.append(json.loads(answer.read()))
    return made


def objects(test: Test) -> Json:
    (job,) = test.rest.items(f"/apis/batch/v1/namespaces/{test.namespace}/jobs", f"x-load-test.dev/uid={test.uid}")
    made = {"loadtest": test.get(), "job": job, "pods": test.pods()}
    for each in (made["loadtest"], job, *made["pods"]):
        del each["metadata"]["managedFields"]
    return made


def recorded(namespace: Namespace) -> Json:
    """A run while it runs, and after its end, which no operator saw."""
    namespace.deploy_slow()
    namespace.until_available("clients")
    test = namespace.start("upgraded", **SPEC)
    test.until_running()
    during = {**objects(test), "snapshots": snapshots(test)}
    scale = f"/apis/apps/v1/namespaces/{OPERATOR_NAMESPACE}/deployments/{OPERATOR}"
    namespace.rest.call("PATCH", scale, {"spec": {"replicas": 0}}, content_type="application/merge-patch+json")
    finals = wait_for("the load to end", lambda: _all_final(snapshots(test)), 60)
    wait_for("the pods to end", lambda: all(_ended(pod) for pod in test.pods()), 90)
    return {"during": during, "after": {**objects(test), "snapshots": finals}}


def _all_final(made: list[Json]) -> list[Json]:
    return made if all(snapshot.get("final") for snapshot in made) else []


def _ended(pod: Json) -> bool:
    return pod["status"].get("phase") in ("Succeeded", "Failed")


def with_meaning(value: msgspec.Struct) -> Json:
    return {"wire": json.loads(msgspec.json.encode(value)), "meaning": meaning(value)}


def main() -> int:
    (version,) = sys.argv[1:]
    with local_cluster() as cluster:
        rest = Rest.from_kubeconfig(cluster.kubeconfig)
        install_operator(rest, {"LOADTEST_LINGER_SECONDS": "8"})
        wait_until_served(rest)
        wait_until_available(rest, OPERATOR_NAMESPACE, OPERATOR)
        run = recorded(make_namespace(cluster, rest, "wire"))
    plans = {name: compile_plan(a_spec(**spec), IDENTITY) for name, spec in SPECS.items()}
    (container,) = run["during"]["job"]["spec"]["template"]["spec"]["containers"]
    text = next(each["value"] for each in container["env"] if each["name"] == PLAN_VARIABLE)
    plans["run"] = decode_plan(text)
    last = msgspec.json.decode(json.dumps(run["after"]["snapshots"][0]), type=Snapshot)
    commands = [
        Arm(start_id="start-1", plan_hash="0123"),
        Start(start_id="start-1", in_seconds=0.5, peers=("10.0.0.1:8089",), halt_token="abc"),
        Halt(reason="Requested"),
        Ack(sequence=7),
    ]
    made = {
        "plans": {name: {**with_meaning(plan), "hash": plan_hash(plan)} for name, plan in plans.items()},
        "snapshot": with_meaning(last),
        "commands": {type(command).__name__: with_meaning(command) for command in commands},
        "run": run,
    }
    lines = [f"{json.dumps(name)}: {json.dumps(made[name], sort_keys=True)}" for name in sorted(made)]
    (FOLDER / f"{version}.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
