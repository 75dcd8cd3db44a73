"""Secrets that were planted are looked for everywhere: in every object, log, metric, result, and process.

Targets that pass, fail, ignore the header, answer 401 and show whatever they were sent; all at once.
"""

import asyncio
import base64
import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import jwt
import pytest

from certificates import make_authority
from faulty_target.faults import FORGED
from loadtest_model.protocol.commands import Verb, command_token
from localcluster.cluster import Cluster
from localcluster.installation import OPERATOR_NAMESPACE
from localcluster.rest import Json, Rest
from support.loadtests import Namespace, Test, reason
from support.local_runs import loadgen

KEY = "a key that only the target and the issuer of its tokens know"
PASSWORD = 'a "planted" password/with odd & ends'
HEADER_KEY = "planted-value-of-a-header"
LOAD = {"batchSize": 500, "virtualUsers": 2, "duration": "4s"}
TARGETS: dict[str, dict[str, str]] = {
    "passing": {"JWT_SECRET": KEY, "LOGIN_USERNAME": "robot", "LOGIN_PASSWORD": PASSWORD},
    "failing": {"FAULT": "some-errors", "FAULT_EVERY": "2"},
    "ignoring": {"FAULT": "ignores-header"},
    "refusing": {"FAULT": "unauthorized"},
    "telling": {"FAULT": "tells-all", "FAULT_AFTER": "1"},
    "telling-at-once": {
        "FAULT": "tells-all",
        "FAULT_AFTER": "0",
        "FAULT_MIN_ROWS": "0",
        "FAULT_STATUS": "401 Unauthorized",
    },
}
EXPECTED = {
    "failing": ("Failed", None),
    "ignoring": ("Failed", "LoadTestHeaderIgnored"),
    "refusing": ("Failed", "AuthenticationFailed"),
    "telling": ("Failed", None),
    "telling-at-once": ("Failed", "AuthenticationFailed"),
    "wrong-password": ("Failed", "AuthenticationFailed"),
    "certified": ("Failed", None),
}


@pytest.fixture(scope="module")
def token() -> str:
    return jwt.encode({"sub": "planted", "exp": int(time.time()) + 3_600}, KEY, algorithm="HS256")


@pytest.fixture(scope="module")
def client_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A client's certificate and its key, in PEM."""
    authority = make_authority(tmp_path_factory.mktemp("planted"), "planted")
    made = authority.sign("client", "DNS:client", use="clientAuth")
    return made.file.read_text(), made.key_file.read_text()


@pytest.fixture(scope="module")
def tests(namespace: Namespace, token: str, client_key: tuple[str, str]) -> dict[str, Test]:
    for name, variables in TARGETS.items():
        namespace.deploy(name, **variables)
    _secret(namespace, "token", token=token)
    _secret(namespace, "guard", token=HEADER_KEY)
    _secret(namespace, "robot", username="robot", password=PASSWORD)
    _secret(namespace, "wrong", username="robot", password=f"{PASSWORD} no more")
    _secret(namespace, "certificate", **{"tls.crt": client_key[0], "tls.key": client_key[1]})
    namespace.until_available(*TARGETS)
    with_token = {
        "auth": {"secretKeyRef": {"name": "token"}},
        "headersFrom": [{"name": "Load-Test-Token", "secretKeyRef": {"name": "guard"}}],
    }
    made = {name: _start(namespace, name, name, **with_token) for name in TARGETS}
    for name, secret in (("logging-in", "robot"), ("wrong-password", "wrong")):
        login = {"url": "http://passing:8000/api/token/", "secretRef": {"name": secret}}
        made[name] = _start(namespace, name, "passing", auth={"login": login})
    tls = {"clientCertificateSecretRef": {"name": "certificate"}}
    made["certified"] = _start(namespace, "certified", "passing", scheme="https", tls=tls, **with_token)
    return made


def _secret(namespace: Namespace, name: str, **texts: str) -> None:
    document = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": texts}
    namespace.rest.apply(document, namespace.name)


def _start(namespace: Namespace, name: str, target: str, scheme: str = "http", **fields: object) -> Test:
    url = f"{scheme}://{target}:8000/clients/upload/process/"
    spec = {"load": LOAD, "debug": True, "concurrency": "Allow", "parallelism": 1}
    return namespace.start(name, target={"url": url, "timeout": "20s", **fields}, **spec)


@pytest.fixture(scope="module")
def processes(cluster: Cluster, namespace: Namespace, tests: dict[str, Test]) -> dict[str, bytes]:
    """Environment and command line of every process of the pods, operator included, while a test runs."""
    tests["passing"].until_running()
    seen: dict[str, bytes] = {}
    for where in (namespace.name, OPERATOR_NAMESPACE):
        for pod in namespace.rest.items(f"/api/v1/namespaces/{where}/pods"):
            # The example target is told its password by its environment; it is no part of what is looked at.
            if (pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name") in TARGETS:
                continue
            for process in _with_children(cluster, where, pod["metadata"]["name"]):
                for file in ("environ", "cmdline"):
                    seen[f"{pod['metadata']['name']}/{process}/{file}"] = _read(Path(f"/proc/{process}/{file}"))
    return seen


def _with_children(cluster: Cluster, namespace: str, pod: str) -> Iterator[int]:
    try:
        waiting = list(cluster.pod_processes(namespace, pod).values())
    except Exception:
        return
    while waiting:
        process = waiting.pop()
        yield process
        waiting += map(int, _read(Path(f"/proc/{process}/task/{process}/children")).split())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@pytest.fixture(scope="module")
def ended(tests: dict[str, Test], processes: dict[str, bytes]) -> dict[str, Json]:
    return {name: test.until_completed() for name, test in tests.items()}


@pytest.fixture(scope="module")
def planted(
    rest: Rest, tests: dict[str, Test], token: str, client_key: tuple[str, str], ended: dict[str, Json]
) -> dict[str, str]:
    """Everything that nobody may be told, by what it is; of the long ones a part that would be enough."""
    stored = rest.call("GET", f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/secrets/loadtest-operator-command-key")
    encoded = stored["data"]["key"]
    key = base64.b64decode(encoded)
    commands = {
        f"command {verb} of {name}": command_token(key, test.uid, ended[name]["runId"], verb)
        for name, test in tests.items()
        for verb in Verb
    }
    return {
        "token": token,
        "token's claims": token.split(".")[1],
        "token's signature": token.split(".")[2],
        "header's value": HEADER_KEY,
        "password": PASSWORD,
        "password in JSON": json.dumps(PASSWORD)[1:-1],
        "password's beginning": PASSWORD[:12],
        "client's key": client_key[1].splitlines()[1],
        "command key": encoded,
        "command key in hex": key.hex(),
        **commands,
    }


def found_in(places: Mapping[str, str | bytes], planted: Mapping[str, str]) -> list[str]:
    """Where something planted was found; also in base64, as Kubernetes and Basic authentication have it."""
    forms = {what: (text.encode(), base64.b64encode(text.encode())) for what, text in planted.items()}
    raw = {place: text.encode() if isinstance(text, str) else text for place, text in places.items()}
    return [
        f"{what} in {place}"
        for what, (plain, encoded) in forms.items()
        for place, text in raw.items()
        if plain in text or encoded in text
    ]


def test_each_target_did_what_it_was_made_for(ended: dict[str, Json]) -> None:
    for name in ("passing", "logging-in"):
        # On a busy machine the verdict may be Inconclusive; the token was sent and taken all the same.
        assert ended[name]["summary"]["requests"]["accepted"] > 0
    assert ended["telling"]["summary"]["requests"]["rejected"] > 0
    for name, (verdict, why) in EXPECTED.items():
        status = ended[name]
        assert status["verdict"] == verdict, (name, status["message"])
        assert why is None or reason(status, "Succeeded") == why, (name, status["message"])


def test_what_is_planted_is_found_where_it_stands(namespace: Namespace, rest: Rest, planted: dict[str, str]) -> None:
    secrets = rest.items(f"/api/v1/namespaces/{namespace.name}/secrets")

    found = found_in({made["metadata"]["name"]: json.dumps(made) for made in secrets}, planted)

    assert {"token in token", "header's value in guard", "password in robot"} <= set(found)


def test_nothing_planted_stands_in_any_object_of_the_namespace(
    namespace: Namespace, rest: Rest, ended: dict[str, Json], planted: dict[str, str]
) -> None:
    places = {}
    for path in _collections(rest):
        for item in rest.items(path.format(namespace=namespace.name)):
            item["metadata"].pop("managedFields", None)
            is_target = TARGETS.keys() & set((item["metadata"].get("labels") or {}).values())
            if (not is_target and item["metadata"]["name"] not in TARGETS) or "loadtests" in path:
                places[f"{path.rsplit('/', 1)[1]}/{item['metadata']['name']}"] = json.dumps(item)

    assert {"pods", "jobs", "configmaps", "events", "loadtests"} <= {place.split("/")[0] for place in places} | {"pods"}
    assert found_in(places, planted) == []


def _collections(rest: Rest) -> Iterator[str]:
    """The path of every kind that is listed by namespace, but for Secrets."""
    groups = [version["groupVersion"] for group in rest.call("GET", "/apis")["groups"] for version in group["versions"]]
    for root in ("/api/v1", *(f"/apis/{group}" for group in groups)):
        for resource in rest.call("GET", root)["resources"]:
            if resource["namespaced"] and "list" in resource["verbs"] and resource["name"] != "secrets":
                yield f"{root}/namespaces/{{namespace}}/{resource['name']}"


def test_nothing_planted_stands_in_any_log(cluster: Cluster, ended: dict[str, Json], planted: dict[str, str]) -> None:
    logs = {name: text.encode() for name, text in cluster.all_logs().items()}

    assert any(name.startswith(OPERATOR_NAMESPACE) for name in logs)
    assert any("telling" in name for name in logs)
    assert found_in(logs, planted) == []


def test_nothing_that_a_target_says_begins_a_line_of_a_log_or_of_a_status(
    namespace: Namespace, cluster: Cluster, ended: dict[str, Json]
) -> None:
    logs = [text for name, text in cluster.all_logs().items() if "telling" in name or "operator" in name]
    lines = [line for text in logs for line in text.splitlines()]

    assert any(FORGED in line for line in lines), "the page was not quoted at all, so this shows nothing"
    assert not [line for line in lines if line.startswith("2026-01-01 INFO") or "\x1b" in line]
    assert not [name for name, status in ended.items() if not _is_printable(status)]


def _is_printable(node: object) -> bool:
    if isinstance(node, dict):
        return all(_is_printable(value) for value in node.values())
    if isinstance(node, list):
        return all(map(_is_printable, node))
    return not isinstance(node, str) or node.isprintable()


def test_nothing_planted_stands_in_the_metrics(
    cluster: Cluster, rest: Rest, ended: dict[str, Json], planted: dict[str, str]
) -> None:
    (pod,) = rest.items(f"/api/v1/namespaces/{OPERATOR_NAMESPACE}/pods", "app.kubernetes.io/name=loadtest-operator")
    _, metrics = cluster.ask(pod, 8080, "GET", "/metrics")

    assert b"telling" in metrics
    assert found_in({"metrics": metrics}, planted) == []


def test_nothing_planted_stands_in_the_environment_or_the_command_line_of_a_process(
    processes: dict[str, bytes], planted: dict[str, str]
) -> None:
    assert any(b"loadgen" in text for place, text in processes.items() if place.endswith("cmdline"))
    assert any(b"LOADTEST_PLAN" in text for place, text in processes.items() if place.endswith("environ"))
    assert any(place.startswith("loadtest-operator") for place in processes)
    assert found_in(processes, planted) == []


@pytest.mark.parametrize("target", ["passing", "telling", "telling-at-once", "refusing"])
def test_nothing_planted_is_printed_or_written_by_hand(
    namespace: Namespace, tmp_path: Path, token: str, target: str
) -> None:
    (pod,) = namespace.pods(target)
    options = ["--url", f"http://{pod['status']['podIP']}:8000/clients/upload/process/", "--out", tmp_path / "results"]
    options += ["--batch-size", "500", "--concurrency", "1", "--duration", "2s"]
    options += ["--debug", "--samples", tmp_path / "samples.csv", "--header-env", "Load-Test-Token: GUARD"]

    done = asyncio.run(loadgen("run", "custom", *options, variables={"AUTH_TOKEN": token, "GUARD": HEADER_KEY}))

    files = {str(path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    secrets = {"token": token, "claims": token.split(".")[1], "signature": token.split(".")[2], "key": HEADER_KEY}
    # The one that tells all under load has had its sound uploads from the pods.
    assert done.returncode in {"passing": (0, 2)}.get(target, (3,)), done.stderr
    assert "\x1b[2J" not in done.stdout + done.stderr
    assert found_in({**files, "stdout": done.stdout, "stderr": done.stderr}, secrets) == []
