"""What programs meet on a node, whichever it is: users, names, Services, limits, and how they come and go.

Every test applies pods, and reads what their status and their logs say.
"""

import base64
import json
import textwrap
from typing import Any

import pytest

from localcluster.rest import Json, wait_for
from support.loadtests import Namespace

SOON = 60.0
LATE = 180.0
POD_IP = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
PORT = 8000
SERVE = """
    import http.server, os, signal

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            body = os.environ["HOSTNAME"].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    http.server.ThreadingHTTPServer((os.environ["POD_IP"], 8000), Handler).serve_forever()
"""
READY = {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1, "timeoutSeconds": 10}


def python(program: str) -> list[str]:
    return ["python", "-c", textwrap.dedent(program)]


def create(place: Namespace, name: str, command: list[str], pod: Json | None = None, **container: Any) -> None:
    """Make a pod of one container that is not started again."""
    around = dict(pod or {})
    main = {"name": "main", "image": "loadtest-operator:dev", "command": command, "env": [POD_IP], **container}
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [main], **around}
    metadata = {"name": name, "labels": spec.pop("labels", {})}
    place.rest.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, place.name)


def create_server(place: Namespace, name: str, app: str, **fields: Any) -> None:
    create(
        place,
        name,
        python(SERVE),
        {"labels": {"app": app}, **fields.pop("pod", {})},
        ports=[{"containerPort": PORT}],
        readinessProbe=READY,
        **fields,
    )


def create_service(place: Namespace, name: str, **spec: Any) -> Json:
    fields = {"selector": {"app": name}, "ports": [{"port": PORT}], **spec}
    return place.rest.apply(
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": fields}, place.name
    )


def path(place: Namespace, kind: str, name: str) -> str:
    return f"/api/v1/namespaces/{place.name}/{kind}/{name}"


def get(place: Namespace, name: str) -> Json:
    return place.rest.call("GET", path(place, "pods", name))


def state(pod: Json, kind: str) -> Json | None:
    """The state of the pod's container, if it is of this kind."""
    statuses = pod.get("status", {}).get("containerStatuses") or [{}]
    found: Json | None = statuses[0].get("state", {}).get(kind)
    return found


def end_of(place: Namespace, name: str) -> Json:
    """How the pod's container ended, once it has."""
    return wait_for(f"the end of {name}", lambda: state(get(place, name), "terminated"), SOON)


def output_of(place: Namespace, name: str) -> list[str]:
    """The lines that the pod's container wrote, once it has ended well."""
    end = end_of(place, name)
    text = place.cluster.logs(place.name, name)
    assert end["exitCode"] == 0, text
    return text.splitlines()


def is_ready(pod: Json) -> bool:
    conditions = pod.get("status", {}).get("conditions", ())
    return any(made["type"] == "Ready" and made["status"] == "True" for made in conditions)


def wait_until_ready(place: Namespace, *names: str) -> None:
    for name in names:
        wait_for(f"{name} to be ready", lambda name=name: is_ready(get(place, name)), SOON)


def run(place: Namespace, name: str, program: str, pod: Json | None = None, **container: Any) -> list[str]:
    """Run a Python program in a pod of its own and return the lines that it wrote."""
    create(place, name, python(program), pod, **container)
    return output_of(place, name)


WHO = """
    import os, pwd

    try:
        known = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        known = "nobody knows"
    print(os.getuid(), os.getgid(), known, os.environ["HOME"], os.environ["HOSTNAME"])
"""


def test_a_containers_user_need_not_be_known_and_its_home_is_then_the_root(namespace: Namespace) -> None:
    image = run(namespace, "of-the-image", WHO)
    stated = run(namespace, "stated", WHO, {"securityContext": {"runAsUser": 12345, "runAsGroup": 12346}})

    assert image == ["65532 0 nobody knows / of-the-image"]
    assert stated == ["12345 12346 nobody knows / stated"]


def test_root_is_refused_where_the_pod_must_not_be_root(namespace: Namespace) -> None:
    create(namespace, "rooted", ["true"], {"securityContext": {"runAsUser": 0, "runAsNonRoot": True}})

    def refusal() -> Json | None:
        waiting = state(get(namespace, "rooted"), "waiting") or {}
        return waiting if waiting.get("reason") == "CreateContainerConfigError" else None

    assert "breaks non-root policy" in wait_for("a refusal", refusal, SOON)["message"]


def test_a_user_without_a_name_reads_its_secrets_and_writes_in_its_volumes(namespace: Namespace) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}, "stringData": {"key": "hidden"}}
    namespace.rest.apply(secret, namespace.name)
    volumes = [
        {"name": "keys", "secret": {"secretName": "keys", "defaultMode": 0o400}},
        {"name": "scratch", "emptyDir": {}},
    ]
    program = """
        import os, stat

        def mode(file):
            return oct(stat.S_IMODE(os.stat(file).st_mode))

        print(open("/keys/key").read(), mode("/keys/key"), os.access("/keys/key", os.W_OK))
        open("/scratch/made", "w").close()
        token = "/var/run/secrets/kubernetes.io/serviceaccount/token"
        print(len(open(token).read()) > 100, mode(token))
        try:
            open("/tmp/made", "w")
        except OSError as error:
            print(error.strerror)
    """

    seen = run(
        namespace,
        "grouped",
        program,
        {"securityContext": {"fsGroup": 777}, "volumes": volumes},
        securityContext={"readOnlyRootFilesystem": True},
        volumeMounts=[{"name": "keys", "mountPath": "/keys"}, {"name": "scratch", "mountPath": "/scratch"}],
    )

    assert seen == ["hidden 0o440 False", "True 0o640", "Read-only file system"]


def test_variables_are_expanded_from_what_the_pod_declares_and_from_nothing_else(namespace: Namespace) -> None:
    service = create_service(namespace, "told-of", ports=[{"name": "web", "port": 81}])
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)-$$(A)-$$$(A)-$(UNKNOWN)-$(PATH)-$(C)-$A-$$-$"},
        {"name": "C", "value": "3"},
        {"name": "D", "value": "$(TOLD_OF_SERVICE_HOST):$(TOLD_OF_SERVICE_PORT_WEB)"},
    ]
    # The node hears of a Service by a watch of its own, and a pod that comes too early is not told of it.
    create(namespace, "early", ["true"])
    end_of(namespace, "early")
    program = 'import os, sys; print(os.environ["B"], os.environ["D"], *sys.argv[1:], sep="\\n")'

    create(namespace, "expanding", ["python", "-c", program, "$(C)"], args=["$$(C)", "$(HOME)", "x$(A)"], env=env)

    assert output_of(namespace, "expanding") == [
        "1-$(A)-$1-$(UNKNOWN)-$(PATH)-$(C)-$A-$-$",
        f"{service['spec']['clusterIP']}:81",
        "3",
        "$(C)",
        "$(HOME)",
        "x1",
    ]


def test_a_pod_finds_the_api_server_by_its_variables(namespace: Namespace) -> None:
    program = """
        import os, ssl, urllib.request

        folder = "/var/run/secrets/kubernetes.io/serviceaccount/"
        token = open(folder + "token").read()
        url = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT_HTTPS']}/version"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        context = ssl.create_default_context(cafile=folder + "ca.crt")
        print(urllib.request.urlopen(request, context=context, timeout=10).status)
    """

    assert run(namespace, "asker", program) == ["200"]


ASK_OFTEN = """
    import collections, http.client

    seen = collections.Counter()
    for _ in range(90):
        connection = http.client.HTTPConnection("many", 8000, timeout=10)
        connection.request("GET", "/")
        seen[connection.getresponse().read().decode()] += 1
        connection.close()
    print(*sorted(seen))
    kept = http.client.HTTPConnection("many", 8000, timeout=10)
    answers = set()
    for _ in range(10):
        kept.request("GET", "/")
        answers.add(kept.getresponse().read())
    print(len(answers))
"""


def test_each_connection_to_a_service_reaches_a_random_replica(namespace: Namespace) -> None:
    create_service(namespace, "many")
    names = ["many-a", "many-b", "many-c"]
    for name in names:
        create_server(namespace, name, "many")
    wait_until_ready(namespace, *names)
    reach(namespace, "many")

    assert run(namespace, "often", ASK_OFTEN) == ["many-a many-b many-c", "1"]


def reach(place: Namespace, service: str) -> None:
    """Wait until the node leads connections of the Service somewhere, which takes it a second or so."""
    program = f"""
        import socket, time

        for _ in range(100):
            try:
                socket.create_connection(("{service}", 8000), 1)
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise SystemExit("nobody answers")
    """
    run(place, f"reaching-{service}", program)


def test_a_service_without_a_ready_replica_refuses_connections(namespace: Namespace) -> None:
    create_service(namespace, "nobody")
    never = {"exec": {"command": ["false"]}, "periodSeconds": 1}
    create(namespace, "unready", python(SERVE), {"labels": {"app": "nobody"}}, readinessProbe=never)
    program = """
        import socket

        try:
            socket.create_connection(("nobody", 8000), 20)
        except ConnectionRefusedError:
            print("refused")
    """
    wait_for("the server to run", lambda: state(get(namespace, "unready"), "running"), SOON)

    assert run(namespace, "refused", program) == ["refused"]


def test_services_have_the_names_that_a_search_list_of_the_cluster_makes(namespace: Namespace) -> None:
    service = create_service(namespace, "named")
    create_service(namespace, "headless", clusterIP="None")
    create_server(namespace, "one", "headless", pod={"hostname": "first", "subdomain": "headless"})
    wait_until_ready(namespace, "one")
    forms = [
        *("named", f"named.{namespace.name}", f"named.{namespace.name}.svc"),
        *(f"named.{namespace.name}.svc.cluster.local", f"named.{namespace.name}.svc.cluster.local."),
        *("headless", "first.headless", "named.", f"named.{namespace.name}.svc.", "unknown", "named.elsewhere.svc"),
    ]
    program = f"""
        import socket, time

        begin = time.monotonic()
        while True:
            try:
                socket.getaddrinfo("first.headless", 80)
                break
            except OSError:
                # What was asked for too early may be remembered for a while.
                if time.monotonic() > begin + 40:
                    raise
                time.sleep(0.5)
        for name in {forms!r}:
            try:
                found = {{entry[4][0] for entry in socket.getaddrinfo(name, 80, socket.AF_INET)}}
                print(name, *sorted(found))
            except socket.gaierror:
                print(name, "unknown")
    """

    seen = dict(line.split(" ", 1) for line in run(namespace, "resolving", program))

    address, pod_ip = service["spec"]["clusterIP"], get(namespace, "one")["status"]["podIP"]
    assert [seen[form] for form in forms[:5]] == [address] * 5
    assert [seen[form] for form in forms[5:7]] == [pod_ip] * 2
    assert [seen[form] for form in forms[7:]] == ["unknown"] * 4


def test_a_pod_serves_through_its_hook_and_its_grace_and_then_nobody_answers(namespace: Namespace) -> None:
    hook = {"preStop": {"exec": {"command": ["sleep", "6"]}}}
    create_server(namespace, "leaving", "leaving", lifecycle=hook, pod={"terminationGracePeriodSeconds": 20})
    create_service(namespace, "leaving")
    wait_until_ready(namespace, "leaving")
    reach(namespace, "leaving")
    address = get(namespace, "leaving")["status"]["podIP"]
    program = f"""
        import http.client

        for host in ("{address}", "leaving"):
            connection = http.client.HTTPConnection(host, 8000, timeout=10)
            connection.request("GET", "/")
            print(connection.getresponse().read().decode())
    """

    namespace.rest.delete(path(namespace, "pods", "leaving"))
    served = run(namespace, "late-client", program)
    leaving = get(namespace, "leaving")
    wait_for("the pod to be gone", lambda: gone(namespace, "leaving"), SOON)
    dialled = run(
        namespace,
        "later-client",
        f"""
        import socket

        try:
            socket.create_connection(("{address}", 8000), 4)
        except ConnectionRefusedError:
            print("refused")
        except OSError:
            print("nobody answers")
        """,
    )

    assert served == ["leaving", "leaving"]
    assert leaving["metadata"]["deletionTimestamp"]
    assert (is_ready(leaving), state(leaving, "running") is not None) == (True, True)
    assert dialled == ["nobody answers"]


def gone(place: Namespace, name: str) -> bool:
    return place.rest.get_or_none(path(place, "pods", name)) is None


def test_a_pods_secret_follows_late_and_all_at_once(namespace: Namespace) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "rotated"}}

    def store(value: str) -> None:
        data = {key: base64.b64encode(value.encode()).decode() for key in ("a", "b")}
        namespace.rest.apply({**secret, "data": data}, namespace.name)

    store("old")
    program = """
        import os, time

        seen = []
        while ("new", "new") not in seen:
            folder = os.readlink("/keys/..data")
            try:
                pair = tuple(open(f"/keys/{folder}/{key}").read() for key in "ab")
            except FileNotFoundError:
                # The folder was exchanged meanwhile.
                continue
            if pair not in seen:
                seen.append(pair)
                print(*pair, flush=True)
            time.sleep(0.01)
        print(os.readlink("/keys/a"))
    """
    create(
        namespace,
        "reader",
        python(program),
        {"volumes": [{"name": "keys", "secret": {"secretName": "rotated"}}]},
        volumeMounts=[{"name": "keys", "mountPath": "/keys"}],
    )
    wait_for("the old values", lambda: "old old" in namespace.cluster.logs(namespace.name, "reader"), SOON)

    store("new")

    assert "new" not in namespace.cluster.logs(namespace.name, "reader")
    wait_for("the new values", lambda: state(get(namespace, "reader"), "terminated"), LATE)
    assert output_of(namespace, "reader") == ["old old", "new new", "..data/a"]


def test_a_container_is_told_to_have_ended_before_its_pod_is(namespace: Namespace) -> None:
    create(namespace, "brief", ["sh", "-c", "sleep 1; exit 3"])
    query = {"watch": "true", "fieldSelector": "metadata.name=brief", "timeoutSeconds": "12", "resourceVersion": "0"}

    events = namespace.rest.text("GET", f"/api/v1/namespaces/{namespace.name}/pods", query=query)

    pods = [json.loads(line)["object"] for line in events.splitlines()]
    told = [(pod["status"]["phase"], (state(pod, "terminated") or {}).get("exitCode")) for pod in pods]
    assert ("Running", 3) in told
    assert told[-1] == ("Failed", 3)
    assert ("Failed", None) not in told


MEMORY = {"limits": {"memory": "48Mi"}, "requests": {"memory": "16Mi"}}
TAKE = "import time; taken = bytearray(200 << 20); time.sleep(5); print('not stopped')"


def test_a_container_that_takes_more_memory_than_its_limit_is_killed(namespace: Namespace) -> None:
    create(namespace, "greedy", ["python", "-c", TAKE], resources=MEMORY)

    end = end_of(namespace, "greedy")

    assert (end["reason"], end["exitCode"]) == ("OOMKilled", 137)
    assert namespace.cluster.logs(namespace.name, "greedy") == ""


def test_a_container_whose_child_was_killed_for_memory_lives_unless_its_node_kills_groups(
    namespace: Namespace,
) -> None:
    group = "$(cat /sys/fs/cgroup/memory.oom.group 2>/dev/null || echo 0)"
    script = f'echo group {group}; python -c "{TAKE}"; echo child $?; exit 5'
    create(namespace, "parent", ["sh", "-c", script], resources=MEMORY)

    end = end_of(namespace, "parent")

    text = namespace.cluster.logs(namespace.name, "parent")
    if "group 1" in text:
        assert (end["reason"], end["exitCode"]) == ("OOMKilled", 137)
    else:
        assert "child 137" in text
        assert (end["reason"], end["exitCode"]) == ("OOMKilled", 5)


def test_exit_codes_and_ends_by_signals_arrive(namespace: Namespace) -> None:
    create(namespace, "coded", ["sh", "-c", "exit 7"])
    create(namespace, "fine", ["true"])
    create(namespace, "signalled", ["sh", "-c", "trap - TERM; sleep 600 & wait"], {"terminationGracePeriodSeconds": 3})
    create(namespace, "absent", ["there-is-no-such-program"])
    wait_for("it to run", lambda: state(get(namespace, "signalled"), "running"), SOON)
    keep_after_deletion(namespace, "signalled")

    namespace.rest.delete(path(namespace, "pods", "signalled"))

    coded, fine, absent = (end_of(namespace, name) for name in ("coded", "fine", "absent"))
    signalled = end_of(namespace, "signalled")
    keep_after_deletion(namespace, "signalled", kept=False)
    assert (coded["exitCode"], coded["reason"]) == (7, "Error")
    assert (fine["exitCode"], fine["reason"]) == (0, "Completed")
    # The first process of a container ignores what it does not handle, so that only SIGKILL is left.
    assert (signalled["exitCode"], signalled["reason"]) == (137, "Error")
    assert (absent["exitCode"], absent["reason"]) == (128, "StartError")
    assert "executable file not found in $PATH" in absent["message"]


def keep_after_deletion(place: Namespace, name: str, *, kept: bool = True) -> None:
    """Have the API server keep what a deleted pod said at last."""
    finalizers = {"metadata": {"finalizers": ["test.example/hold"] if kept else None}}
    place.rest.call("PATCH", path(place, "pods", name), finalizers, content_type="application/merge-patch+json")


@pytest.mark.parametrize(
    ("script", "policy", "message"),
    [
        ("printf last > /dev/termination-log; exit 1", "FallbackToLogsOnError", "last"),
        ("head -c 5000 /dev/zero | tr '\\0' m > /dev/termination-log", "File", "m" * 4096),
        ("seq 1 100; exit 1", "FallbackToLogsOnError", "".join(f"{number}\n" for number in range(21, 101))),
        ("head -c 3000 /dev/zero | tr '\\0' x; exit 1", "FallbackToLogsOnError", "x" * 2048),
        ("echo logged; exit 0", "FallbackToLogsOnError", ""),
        ("echo logged; exit 1", "File", ""),
    ],
    ids=["said", "too-long", "many-lines", "long-line", "no-error", "no-fallback"],
)
def test_the_last_word_of_a_container_is_its_message_or_the_end_of_its_log(
    namespace: Namespace, request: pytest.FixtureRequest, script: str, policy: str, message: str
) -> None:
    name = f"word-{request.node.callspec.id}"

    create(namespace, name, ["sh", "-c", script], terminationMessagePolicy=policy)

    assert end_of(namespace, name).get("message", "") == message


def test_an_earlier_run_of_a_container_has_no_say_in_the_last_word_of_the_next(namespace: Namespace) -> None:
    script = "test -e /scratch/again && exit 2; touch /scratch/again; echo first; exit 1"
    create(
        namespace,
        "twice",
        ["sh", "-c", script],
        {"restartPolicy": "OnFailure", "volumes": [{"name": "scratch", "emptyDir": {}}]},
        terminationMessagePolicy="FallbackToLogsOnError",
        volumeMounts=[{"name": "scratch", "mountPath": "/scratch"}],
    )

    def second() -> Json | None:
        last = (get(namespace, "twice")["status"].get("containerStatuses") or [{}])[0].get("lastState", {})
        ended: Json = last.get("terminated") or state(get(namespace, "twice"), "terminated") or {}
        return ended if ended.get("exitCode") == 2 else None

    assert wait_for("the second end", second, SOON).get("message", "") == ""
