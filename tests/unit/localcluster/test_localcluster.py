"""What the local cluster decides without doing: environments, names, statuses, mounts, versions."""

import base64
import io
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from localcluster.build import module_versions, version_fits
from localcluster.go import is_at_least
from localcluster.node.container import ContainerFiles, termination_message
from localcluster.node.environment import (
    ConfigError,
    Objects,
    Sources,
    command_line,
    environment,
    expand,
    service_variables,
)
from localcluster.node.faults import Fault, damaged_message, has_fault
from localcluster.node.fields import Addresses, field_value, quantity, resource_value
from localcluster.node.logs import ContainerLog
from localcluster.node.names import hosts_file, service_lines
from localcluster.node.network import LoopbackNetwork
from localcluster.node.node import selector_matches, waits_for_a_node
from localcluster.node.rootfs import directories_to_split
from localcluster.node.sandbox import User
from localcluster.node.services import service_routes
from localcluster.node.status import (
    ContainerStatus,
    PodView,
    Running,
    State,
    Terminated,
    Waiting,
    phase,
    pod_status,
)
from localcluster.node.users import common_user, user_of
from localcluster.node.volumes import File, TokenRequest, token_requests, volume_files, with_group, write_files
from localcluster.progress import ActivityLine

_NOW = datetime(2030, 1, 1, tzinfo=UTC)
_ADDRESSES = Addresses(pod_ip="127.9.1.1", host_ip="127.9.0.2")
_CAPACITY = {"cpu": "4", "memory": "8Gi"}


def _pod(**spec: Any) -> dict[str, Any]:
    metadata = {
        "name": "p",
        "namespace": "n",
        "uid": "u",
        "labels": {"app": "web", "b": 'quo"te'},
        "annotations": {"batch.kubernetes.io/job-completion-index": "1"},
    }
    return {"metadata": metadata, "spec": {"serviceAccountName": "robot", **spec}, "status": {}}


def _sources(pod: dict[str, Any] | None = None) -> Sources:
    secret = {"data": {"key": base64.b64encode(b"hidden").decode()}}
    objects = Objects("n", {"keys": secret}, {"settings": {"data": {"mode": "fast", "1bad": "x"}}})
    return Sources(pod or _pod(), objects, _ADDRESSES, _CAPACITY)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)-$(B)", "1-$(B)"),
        ("$$(A)", "$(A)"),
        ("100$", "100$"),
        ("$(A", "$(A"),
    ],
)
def test_only_known_variables_are_expanded(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1"}) == expanded


def test_a_later_variable_may_use_an_earlier_one_and_replaces_the_base() -> None:
    container = {
        "envFrom": [{"configMapRef": {"name": "settings"}, "prefix": "S_"}],
        "env": [
            {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key"}}},
            {"name": "URL", "value": "http://$(IP)/$(S_mode)"},
            {"name": "PATH", "value": "/mine"},
        ],
        "command": ["run", "$(URL)"],
    }

    env = environment(container, _sources(), {"PATH": "/bin", "WEB_SERVICE_HOST": "127.9.240.1"})

    assert env == {
        "PATH": "/mine",
        "WEB_SERVICE_HOST": "127.9.240.1",
        "S_mode": "fast",
        "S_1bad": "x",
        "IP": "127.9.1.1",
        "KEY": "hidden",
        "URL": "http://127.9.1.1/fast",
    }
    assert command_line(container, (), env) == ["run", "http://127.9.1.1/fast"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"secretKeyRef": {"name": "none", "key": "k"}}, 'secret "none" not found'),
        ({"configMapKeyRef": {"name": "settings", "key": "k"}}, "couldn't find key k in ConfigMap n/settings"),
    ],
)
def test_what_the_environment_lacks_is_said_as_a_kubelet_says_it(source: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        environment({"env": [{"name": "A", "valueFrom": source}]}, _sources(), {})

    assert str(error.value) == message


def test_an_optional_reference_to_nothing_leaves_the_variable_out() -> None:
    reference = {"secretKeyRef": {"name": "none", "key": "k", "optional": True}}

    assert environment({"env": [{"name": "A", "valueFrom": reference}]}, _sources(), {}) == {}


def test_a_container_without_a_command_anywhere_cannot_run() -> None:
    with pytest.raises(ConfigError, match="no command"):
        command_line({}, (), {})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.labels['app']", "web"),
        ("metadata.annotations['absent']", ""),
        ("metadata.labels", 'app="web"\nb="quo\\"te"'),
        ("spec.serviceAccountName", "robot"),
        ("status.hostIP", "127.9.0.2"),
    ],
)
def test_a_pod_is_told_its_own_fields(path: str, value: str) -> None:
    assert field_value(_pod(), path, _ADDRESSES) == value


def test_quantities_are_whole_divisors_rounded_up() -> None:
    container = {"resources": {"limits": {"memory": "100Mi"}, "requests": {"cpu": "250m"}}}

    assert quantity("1500m") == pytest.approx(1.5)
    assert resource_value(container, {"resource": "requests.cpu"}, _CAPACITY) == "1"
    assert resource_value(container, {"resource": "limits.memory", "divisor": "1Mi"}, _CAPACITY) == "100"
    assert resource_value(container, {"resource": "limits.cpu"}, _CAPACITY) == "4"


def test_a_fault_is_for_all_pods_or_for_some_indexes_and_the_pods_own_word_counts_first() -> None:
    def namespace(value: str) -> dict[str, Any]:
        return {"metadata": {"annotations": {"node.localcluster/unscheduled": value}}}

    own = _pod()
    own["metadata"]["annotations"]["node.localcluster/unscheduled"] = ""

    assert has_fault(Fault.UNSCHEDULED, _pod(), namespace("*"))
    assert has_fault(Fault.UNSCHEDULED, _pod(), namespace("0, 1"))
    assert not has_fault(Fault.UNSCHEDULED, _pod(), namespace("0,2"))
    assert not has_fault(Fault.UNSCHEDULED, own, namespace("*"))
    assert not has_fault(Fault.IMAGE_MISSING, _pod(), namespace("*"))
    assert damaged_message("abcd", lost=False, torn=True) == "ab"
    assert damaged_message("abcd", lost=True, torn=False) == ""


def _service(name: str, **spec: Any) -> dict[str, Any]:
    fields = {"selector": {"app": "web"}, "clusterIP": "127.9.240.9", **spec}
    return {"metadata": {"name": name, "namespace": "n"}, "spec": fields}


def _headless(name: str, **spec: Any) -> dict[str, Any]:
    return _service(name, clusterIP="None", **spec)


def _pod_at(address: str, ready: bool) -> dict[str, Any]:
    pod = _pod()
    pod["status"] = {
        "podIP": address,
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
    }
    return pod


def test_a_headless_services_name_stands_for_its_ready_pods() -> None:
    pods = [_pod_at("127.9.1.2", True), _pod_at("127.9.1.1", True), _pod_at("127.9.1.3", False)]

    near = service_lines([_headless("web")], pods, "n")
    far = service_lines([_headless("web")], pods, "elsewhere")

    forms = "web.n.svc.cluster.local web.n.svc.cluster.local. web.n.svc web.n"
    assert near == [f"127.9.1.1 {forms} web", f"127.9.1.2 {forms} web"]
    assert far == [f"127.9.1.1 {forms}", f"127.9.1.2 {forms}"]


def test_a_service_without_a_ready_pod_has_its_cluster_ip_and_a_headless_one_does_not_resolve() -> None:
    pods = [_pod_at("127.9.1.3", False)]

    refusing = service_lines([_service("web")], pods, "n")
    silent = service_lines([_headless("web")], pods, "n")
    early = service_lines([_headless("web", publishNotReadyAddresses=True)], pods, "n")

    assert [line.split()[0] for line in refusing] == ["127.9.240.9"]
    assert silent == []
    assert [line.split()[0] for line in early] == ["127.9.1.3"]


def _with_deletion(pod: dict[str, Any]) -> dict[str, Any]:
    pod["metadata"]["deletionTimestamp"] = "2030-01-01T00:00:00Z"
    return pod


def test_a_cluster_ip_leads_to_ready_pods_and_to_serving_ones_on_their_way_out_only_for_want_of_others() -> None:
    service = _service("web", ports=[{"port": 80, "targetPort": 8000}, {"port": 53, "protocol": "UDP"}])
    ready, unready = _pod_at("127.9.1.1", True), _pod_at("127.9.1.2", False)
    ending = _with_deletion(_pod_at("127.9.1.3", True))
    address = ("127.9.240.9", 80)

    assert service_routes([service], [ready, unready, ending]) == {address: (("127.9.1.1", 8000),)}
    assert service_routes([service], [unready, ending]) == {address: (("127.9.1.3", 8000),)}
    assert service_routes([service], [unready]) == {address: ()}


def test_a_target_port_is_found_by_its_name_in_each_pod() -> None:
    service = _service("web", ports=[{"port": 80, "targetPort": "http"}])
    pod_with_names, nameless = _pod_at("127.9.1.1", True), _pod_at("127.9.1.2", True)
    pod_with_names["spec"]["containers"] = [{"name": "m", "ports": [{"name": "http", "containerPort": 8080}]}]
    nameless["spec"]["containers"] = [{"name": "m"}]

    assert service_routes([service], [pod_with_names, nameless]) == {("127.9.240.9", 80): (("127.9.1.1", 8080),)}


def test_services_are_told_in_variables_as_a_kubelet_tells_them() -> None:
    ports = [{"port": 80, "name": "http"}, {"port": 81, "name": "more-of-it"}]
    services = [_service("my-web", ports=ports), _headless("silent", ports=ports)]

    linked_variables = service_variables(services, "n", links=True, api_server=("127.0.0.1", 6443))
    base_variables = service_variables(services, "n", links=False, api_server=("127.0.0.1", 6443))

    assert {name: value for name, value in linked_variables.items() if name not in base_variables} == {
        "MY_WEB_SERVICE_HOST": "127.9.240.9",
        "MY_WEB_SERVICE_PORT": "80",
        "MY_WEB_SERVICE_PORT_HTTP": "80",
        "MY_WEB_SERVICE_PORT_MORE_OF_IT": "81",
        "MY_WEB_PORT": "tcp://127.9.240.9:80",
        "MY_WEB_PORT_80_TCP": "tcp://127.9.240.9:80",
        "MY_WEB_PORT_80_TCP_PROTO": "tcp",
        "MY_WEB_PORT_80_TCP_PORT": "80",
        "MY_WEB_PORT_80_TCP_ADDR": "127.9.240.9",
        "MY_WEB_PORT_81_TCP": "tcp://127.9.240.9:81",
        "MY_WEB_PORT_81_TCP_PROTO": "tcp",
        "MY_WEB_PORT_81_TCP_PORT": "81",
        "MY_WEB_PORT_81_TCP_ADDR": "127.9.240.9",
    }
    assert base_variables["KUBERNETES_SERVICE_HOST"] == "127.0.0.1"
    assert base_variables["KUBERNETES_SERVICE_PORT_HTTPS"] == "6443"


def _user_of(pod: dict[str, Any], **container: Any) -> User:
    return user_of(_pod(securityContext=pod), {"name": "m", "securityContext": container}, 10)


def test_a_container_runs_as_its_spec_says_else_its_pod_else_its_image() -> None:
    assert _user_of({}) == User(10, 0)
    assert _user_of({"runAsUser": 5}) == User(5, 0)
    assert _user_of({"runAsUser": 5, "runAsGroup": 6, "fsGroup": 7, "supplementalGroups": [8]}) == User(5, 6, (8, 7))
    assert _user_of({"runAsUser": 5, "runAsGroup": 6}, runAsUser=9) == User(9, 6)
    assert [User(0, 0).home, User(65532, 0).home] == ["/root", "/"]


@pytest.mark.parametrize(
    ("image_user", "context", "message"),
    [
        (0, {"runAsNonRoot": True}, "image will run as root"),
        (10, {"runAsNonRoot": True, "runAsUser": 0}, "breaks non-root policy"),
    ],
)
def test_a_container_that_must_not_be_root_is_not_started_as_root(
    image_user: int, context: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        user_of(_pod(securityContext=context), {"name": "m"}, image_user)


def test_a_token_belongs_to_the_user_that_all_containers_run_as() -> None:
    same = _pod(securityContext={"runAsUser": 5}, containers=[{"name": "a"}, {"name": "b"}])
    others = _pod(securityContext={"runAsUser": 5}, containers=[{"name": "a", "securityContext": {"runAsUser": 6}}])
    others["spec"]["containers"].append({"name": "b"})

    assert common_user(same) == 5
    assert common_user(others) is None
    assert common_user(_pod(containers=[{"name": "a"}])) is None


def test_a_hosts_file_has_the_pod_its_aliases_and_the_services() -> None:
    pod = _pod(hostAliases=[{"ip": "127.9.9.9", "hostnames": ["a", "b"]}])

    assert hosts_file(pod, "127.9.1.1", ["127.9.1.2 web"]).splitlines() == [
        "127.0.0.1 localhost",
        "127.9.1.1 p",
        "127.9.9.9 a b",
        "127.9.1.2 web",
    ]


def test_a_host_directory_is_split_only_where_a_mount_point_must_be_made() -> None:
    targets = ["/etc/hosts", "/dev/termination-log", "/data/deep", "/tmp", "/tmp/inside"]
    exists = ["/", "/etc", "/etc/hosts", "/dev", "/tmp"]

    assert directories_to_split(targets, exists) == {"/", "/dev"}


def test_pods_have_addresses_of_their_own_outside_the_nodes() -> None:
    network = LoopbackNetwork(7)

    addresses = [network.pod_ip(number) for number in range(600)]

    assert addresses[0] == "127.7.1.1"
    assert len(set(addresses)) == 600
    assert not any(address.startswith("127.7.0.") for address in addresses)
    with pytest.raises(ValueError, match="no address"):
        network.pod_ip(254 * 239)
    assert ip_address(network.pod_ip(254 * 239 - 1)) not in ip_network(network.service_range)


def test_a_pod_goes_only_onto_a_node_that_its_selector_fits() -> None:
    assert selector_matches(_pod(), {})
    assert selector_matches(_pod(nodeSelector={"zone": "a"}), {"zone": "a", "other": "b"})
    assert not selector_matches(_pod(nodeSelector={"zone": "a"}), {"zone": "b"})
    assert waits_for_a_node(_pod())
    assert not waits_for_a_node(_pod(nodeName="local"))
    assert not waits_for_a_node(_pod(schedulingGates=[{"name": "later"}]))


def _end_with(code: int) -> Terminated:
    return Terminated(code, "Error" if code else "Completed", "", _NOW, _NOW)


def _status(state: State, **fields: Any) -> ContainerStatus:
    return replace(ContainerStatus(name="main", image="i", state=state), **fields)


@pytest.mark.parametrize(
    ("state", "policy", "expected"),
    [
        (Waiting("ContainerCreating"), "Never", "Pending"),
        (Running(_NOW), "Never", "Running"),
        (_end_with(0), "Never", "Succeeded"),
        (_end_with(1), "Never", "Failed"),
        (_end_with(0), "OnFailure", "Succeeded"),
        (_end_with(1), "OnFailure", "Running"),
        (_end_with(0), "Always", "Running"),
    ],
)
def test_the_phase_follows_from_the_container_and_the_restart_policy(state: State, policy: str, expected: str) -> None:
    assert phase(PodView(containers=[_status(state)], restart_policy=policy)) == expected


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (_end_with(0), "Succeeded"),
        (_end_with(137), "Failed"),
        (Waiting("ContainerCreating"), "Failed"),
        (Running(_NOW), "Running"),
    ],
)
def test_a_deleted_pod_reaches_a_final_phase_whatever_its_policy(state: State, expected: str) -> None:
    assert phase(PodView(containers=[_status(state)], is_ending=True)) == expected


def test_a_pod_is_pending_until_its_init_containers_are_done_and_failed_with_them() -> None:
    waiting = [_status(Waiting("PodInitializing"))]

    assert phase(PodView(waiting, [_status(Running(_NOW))])) == "Pending"
    assert phase(PodView(waiting, [_status(_end_with(1))], restart_policy="Never")) == "Failed"


def test_a_running_sidecar_keeps_the_pod_running() -> None:
    sidecar = _status(Running(_NOW), name="side", started=True)
    view = PodView([_status(_end_with(0))], [sidecar], frozenset({"side"}), "Never")

    assert phase(view) == "Running"


def test_a_final_phase_is_told_only_after_the_ends_of_the_containers() -> None:
    view = PodView(containers=[_status(_end_with(3))], restart_policy="Never", is_over=False, previous_phase="Running")

    before = pod_status(view, "127.9.1.1", "127.9.0.2", _NOW, _NOW)
    after = pod_status(replace(view, is_over=True), "127.9.1.1", "127.9.0.2", _NOW, _NOW)

    assert before["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 3
    assert [before["phase"], after["phase"]] == ["Running", "Failed"]


def test_the_last_word_is_the_end_of_the_message_or_of_the_log_of_the_same_run(tmp_path: Path) -> None:
    files = ContainerFiles(tmp_path / "spec", ContainerLog(tmp_path / "main.log"), tmp_path / "message")
    files.message.write_bytes(b"a" + b"m" * 4096)
    assert termination_message(files, "File", 1, 0) == "m" * 4096

    files.message.write_bytes(b"")
    files.log.file.write_bytes(b"an earlier run\n")
    start = files.log.begin_run()
    assert termination_message(files, "FallbackToLogsOnError", 1, start) == ""
    with files.log.file.open("ab") as log:
        log.write(b"".join(b"%d\n" % number for number in range(100)))
    assert termination_message(files, "FallbackToLogsOnError", 1, start).splitlines() == [
        str(n) for n in range(20, 100)
    ]
    assert termination_message(files, "FallbackToLogsOnError", 0, start) == ""
    assert termination_message(files, "File", 1, start) == ""
    with files.log.file.open("ab") as log:
        log.write(b"x" * 3000)
    assert termination_message(files, "FallbackToLogsOnError", 1, start) == "x" * 2048


def test_messages_of_many_containers_share_the_kubelets_limit() -> None:
    long = replace(_end_with(1), message="x" * 4096)
    view = PodView(containers=[_status(long) for _ in range(6)], restart_policy="Never")

    status = pod_status(view, "127.9.1.1", "127.9.0.2", _NOW, _NOW)

    messages = [one["state"]["terminated"]["message"] for one in status["containerStatuses"]]
    assert [len(message) for message in messages] == [2048] * 6


def test_a_condition_keeps_its_time_until_it_changes() -> None:
    view = PodView(containers=[_status(Running(_NOW), ready=True)])
    first = pod_status(view, "127.9.1.1", "127.9.0.2", _NOW, _NOW)
    later = _NOW.replace(hour=1)

    same = pod_status(replace(view, conditions=first["conditions"]), "127.9.1.1", "127.9.0.2", _NOW, later)
    unready = replace(view, containers=[_status(Running(_NOW))], conditions=first["conditions"])
    changed = pod_status(unready, "127.9.1.1", "127.9.0.2", _NOW, later)

    assert same["conditions"] == first["conditions"]
    times = {one["type"]: one["lastTransitionTime"] for one in changed["conditions"]}
    assert times["Ready"] == "2030-01-01T01:00:00Z"
    assert times["Initialized"] == "2030-01-01T00:00:00Z"


def test_a_projected_volume_has_its_token_its_maps_and_what_the_pod_is() -> None:
    sources = [
        {"serviceAccountToken": {"path": "token", "expirationSeconds": 600}},
        {"configMap": {"name": "settings", "items": [{"key": "mode", "path": "in/mode"}]}},
        {"downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]}},
    ]
    volume = {"name": "v", "projected": {"sources": sources, "defaultMode": 0o400}}
    pod = _pod(volumes=[volume])

    requests = token_requests(pod)
    files = volume_files(volume, _sources(pod), dict.fromkeys(requests, "secret token"), 5)

    assert requests == {TokenRequest("", 600)}
    assert files == {
        "token": File(b"secret token", 0o600, uid=5),
        "in/mode": File(b"fast", 0o400),
        "name": File(b"p", 0o400),
    }


def test_a_volume_of_an_unknown_kind_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match='volume "v": the local cluster has no hostPath volumes'):
        volume_files({"name": "v", "hostPath": {"path": "/"}}, _sources(), {}, None)


def test_a_pods_group_may_read_its_secrets_and_its_token() -> None:
    volume = {"name": "v", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}
    pod = _pod(volumes=[volume], securityContext={"fsGroup": 7})
    token = volume_files(volume, _sources(pod), dict.fromkeys(token_requests(pod), "t"), None)

    assert token is not None
    assert with_group(token, 7) == {"token": File(b"t", 0o640, gid=7)}
    assert with_group({"key": File(b"", 0o400)}, None) == {"key": File(b"", 0o400)}


def test_a_volumes_files_are_replaced_as_a_whole(tmp_path: Path) -> None:
    write_files(tmp_path, {"kept": File(b"1", 0o644), "gone": File(b"2", 0o644)})
    first = (tmp_path / "..data").resolve()
    write_files(tmp_path, {"kept": File(b"3", 0o600), "in/new": File(b"4", 0o644)})

    assert (tmp_path / "kept").read_bytes() == b"3"
    assert (tmp_path / "in" / "new").read_bytes() == b"4"
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "gone").is_symlink()
    assert not first.exists()


def test_programs_on_the_path_are_taken_only_in_the_modules_minor_version() -> None:
    versions = module_versions(
        "go 1.26.0\n\nrequire (\n\tgo.etcd.io/etcd/server/v3 v3.7.0\n\tk8s.io/kubernetes v1.37.2\n)"
    )

    assert versions["go"] == "1.26.0"
    assert version_fits("kube-apiserver", "Kubernetes v1.37.9", versions)
    assert not version_fits("kube-apiserver", "Kubernetes v1.3.7", versions)
    assert not version_fits("kube-apiserver", "", versions)
    assert version_fits("etcd", "etcd Version: 3.7.3\nGit SHA: 1", versions)
    assert not version_fits("etcd", "etcd Version: 3.6.3", versions)


@pytest.mark.parametrize(
    ("version", "is_enough"), [("go1.26.0", True), ("go1.27", True), ("go1.25.9", False), ("", False)]
)
def test_an_older_go_is_not_taken(version: str, is_enough: bool) -> None:
    assert is_at_least(version, "1.26.0") is is_enough


def test_progress_is_told_once_for_each_thing_and_rewritten_on_a_terminal() -> None:
    plain, terminal = io.StringIO(), io.StringIO()

    for output, is_terminal in ((plain, False), (terminal, True)):
        progress = ActivityLine(output, is_terminal=is_terminal)
        for text in ("building: 1", "building: 2", "starting"):
            progress(text)
        progress.close()

    assert plain.getvalue() == "building: 1\nstarting\n"
    assert terminal.getvalue() == "\r\x1b[Kbuilding: 1\r\x1b[Kstarting\r\x1b[K"
