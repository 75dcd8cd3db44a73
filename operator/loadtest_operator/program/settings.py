"""What an installation sets, by environment variables; the chart writes them from its values."""

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from loadtest_model.plan import AddressPolicy, Deadlines
from loadtest_model.plan.bounds import NEVER_TARGETS
from loadtest_model.urls import FORBIDDEN_CHARACTERS, is_url
from loadtest_operator.decide import Policy
from loadtest_operator.manifests import NetworkPolicyDefaults, PodDefaults
from loadtest_operator.policy.line import NO_LIMIT, Limits
from loadtest_operator.policy.target_policy import CLUSTER_SERVICES, TargetPolicy, is_pattern

Json = dict[str, Any]

_LOOPBACK: Final = ("127.0.0.0/8", "::1/128")
_DEFAULT_LABELS: Final = {"app.kubernetes.io/name": "loadtest-operator"}
_DEFAULT_RESOURCES: Final = {"requests": {"cpu": "250m", "memory": "128Mi"}, "limits": {"memory": "512Mi"}}


class SettingsError(ValueError):
    """A setting that cannot be used; the message names the variable and what it should hold."""


@dataclass(frozen=True)
class PageSettings:
    """Where the live pages are served; nowhere if `port` is 0. An empty host means every address, of both families.

    `names` are the hosts that requests may name, besides those of this machine itself.
    """

    port: int = 0
    host: str = "127.0.0.1"
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """`namespaces` empty means all. `host` and `port` are where `/metrics` and `/healthz` are served; an empty host
    means every address, of both families.

    `secret_policy` names the admission policy that checks who may name which Secret; empty if there is none.
    `webhooks_file` is where the webhooks stand that hear of the ends of runs, and `report_link` the template of a
    report's address; both may be empty. `archive` is the folder or the URL of the bucket where results are archived,
    empty if they are not, and `archive_credentials` the folder with the bucket's credentials. `lease` is the name
    of the Lease that says which of several operators is at work; empty if there is one only.
    """

    policy: Policy
    own_namespace: str
    pod_name: str
    lease: str
    namespaces: tuple[str, ...]
    cluster_domain: str
    secret_policy: str
    host: str
    port: int
    resync_seconds: float
    log_level: str
    webhooks_file: str = ""
    report_link: str = ""
    archive: str = ""
    archive_region: str = "us-east-1"
    archive_credentials: str = ""
    pages: PageSettings = PageSettings()


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment.

    Raises SettingsError.
    """
    image = environment.get("LOADTEST_IMAGE", "")
    if not image:
        raise SettingsError("LOADTEST_IMAGE is not set; it must name the image that the loadgen pods run")
    defaults = Deadlines()
    starting_seconds = _seconds(environment, "LOADTEST_STARTING_SECONDS", Policy.starting_seconds)
    return Settings(
        policy=Policy(
            pods=PodDefaults(
                image=image,
                image_pull_policy=environment.get("LOADTEST_IMAGE_PULL_POLICY", "IfNotPresent"),
                resources=_object(environment, "LOADTEST_POD_RESOURCES", _DEFAULT_RESOURCES),
                starting_seconds=starting_seconds,
                allowed_prefixes=_list(environment, "LOADTEST_POD_PREFIXES"),
            ),
            network=_network(environment),
            targets=TargetPolicy(_targets(environment), _cluster_domain(environment)),
            network_policies=_network_policies(environment),
            deadlines=Deadlines(
                verification_seconds=_seconds(
                    environment, "LOADTEST_VERIFICATION_SECONDS", defaults.verification_seconds
                ),
                barrier_seconds=_seconds(environment, "LOADTEST_BARRIER_SECONDS", defaults.barrier_seconds),
                linger_seconds=_seconds(environment, "LOADTEST_LINGER_SECONDS", defaults.linger_seconds),
            ),
            limits=Limits(
                tests=_whole(environment, "LOADTEST_LIMIT_TESTS"),
                pods=_whole(environment, "LOADTEST_LIMIT_PODS"),
                pods_per_test=_whole(environment, "LOADTEST_LIMIT_PODS_PER_TEST"),
            ),
            queued_seconds=_seconds(environment, "LOADTEST_QUEUED_SECONDS", Policy.queued_seconds),
            waiting_seconds=_seconds(environment, "LOADTEST_WAITING_SECONDS", Policy.waiting_seconds),
            starting_seconds=starting_seconds,
            control_seconds=_seconds(environment, "LOADTEST_CONTROL_SECONDS", Policy.control_seconds),
            lost_seconds=_seconds(environment, "LOADTEST_LOST_SECONDS", Policy.lost_seconds),
            scrape_seconds=_seconds(environment, "LOADTEST_SCRAPE_SECONDS", Policy.scrape_seconds),
        ),
        own_namespace=_own_namespace(environment),
        pod_name=environment.get("POD_NAME") or environment.get("HOSTNAME") or "operator",
        lease=environment.get("LOADTEST_LEASE", ""),
        namespaces=_list(environment, "LOADTEST_WATCH_NAMESPACES"),
        cluster_domain=_cluster_domain(environment),
        secret_policy=environment.get("LOADTEST_SECRET_ACCESS", ""),
        host=environment.get("LOADTEST_HTTP_HOST", ""),
        port=int(_seconds(environment, "LOADTEST_HTTP_PORT", 8080.0)),
        resync_seconds=_seconds(environment, "LOADTEST_RESYNC_SECONDS", 300.0),
        log_level=environment.get("LOADTEST_LOG_LEVEL", "INFO").upper(),
        webhooks_file=environment.get("LOADTEST_WEBHOOKS", ""),
        report_link=_link(environment, "LOADTEST_REPORT_URL"),
        archive=_archive(environment, "LOADTEST_ARCHIVE"),
        archive_region=environment.get("LOADTEST_ARCHIVE_REGION") or "us-east-1",
        archive_credentials=environment.get("LOADTEST_ARCHIVE_CREDENTIALS", ""),
        pages=PageSettings(
            port=_whole(environment, "LOADTEST_UI_PORT"),
            host=environment.get("LOADTEST_UI_HOST", "127.0.0.1"),
            names=_list(environment, "LOADTEST_UI_NAMES"),
        ),
    )


def _network(environment: Mapping[str, str]) -> AddressPolicy:
    allow_loopback = environment.get("LOADTEST_ALLOW_LOOPBACK", "false").lower() == "true"
    denied = [*NEVER_TARGETS, *_networks(environment, "LOADTEST_TARGET_DENIED")]
    if not allow_loopback:
        denied += _LOOPBACK
    server = _api_server(environment, allow_loopback)
    if server:
        denied.append(server)
    return AddressPolicy(allowed=_networks(environment, "LOADTEST_TARGET_ALLOWED"), denied=tuple(denied))


def _targets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The list of targets; one that is set and empty allows none."""
    patterns = tuple(environment.get("LOADTEST_TARGETS", CLUSTER_SERVICES).lower().split())
    for pattern in patterns:
        if not is_pattern(pattern):
            raise SettingsError(
                f"LOADTEST_TARGETS: {pattern!r} is no pattern; write hosts such as upload.example.com, names below one"
                f" such as *.example.com, {CLUSTER_SERVICES}, or * for every host, each on a line of its own"
            )
    return patterns


def _cluster_domain(environment: Mapping[str, str]) -> str:
    return environment.get("LOADTEST_CLUSTER_DOMAIN", "cluster.local").lower()


def _network_policies(environment: Mapping[str, str]) -> NetworkPolicyDefaults | None:
    """What the NetworkPolicies of runs are made from; None if none are to be made."""
    if environment.get("LOADTEST_NETWORK_POLICY", "true").lower() != "true":
        return None
    return NetworkPolicyDefaults(
        operator_namespace=_own_namespace(environment),
        operator_labels=_object(environment, "LOADTEST_OPERATOR_LABELS", _DEFAULT_LABELS),
        mesh_namespaces=_list(environment, "LOADTEST_MESH_NAMESPACES"),
    )


def _own_namespace(environment: Mapping[str, str]) -> str:
    return environment.get("LOADTEST_OPERATOR_NAMESPACE", "loadtest-system")


def _api_server(environment: Mapping[str, str], allow_loopback: bool) -> str:
    """The API server's address as a network of one, never a target; where it is a loopback address, loopback rules."""
    try:
        address = ipaddress.ip_address(environment.get("KUBERNETES_SERVICE_HOST", ""))
    except ValueError:
        return ""
    if address.is_loopback and allow_loopback:
        return ""
    return f"{address}/{address.max_prefixlen}"


def _networks(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    networks = []
    for text in _list(environment, name):
        try:
            networks.append(str(ipaddress.ip_network(text)))
        except ValueError as error:
            raise SettingsError(f"{name}: {error}; write networks such as 10.0.0.0/8, separated by commas") from error
    return tuple(networks)


def _list(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(part for part in (part.strip() for part in environment.get(name, "").split(",")) if part)


def _seconds(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "")
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e7:
        raise SettingsError(f"{name} is {text!r}; it must be a number above 0")
    return value


def _link(environment: Mapping[str, str], name: str) -> str:
    template = environment.get(name, "")
    if template and not template.startswith(("https://", "http://")):
        raise SettingsError(
            f"{name} is {template!r}; it must be a URL such as https://example.com/{{namespace}}/{{name}}"
        )
    return template


def _archive(environment: Mapping[str, str], name: str) -> str:
    place = environment.get(name, "")
    if not place or place.startswith("/") or (is_url(place) and not set(place) & set(f"?{FORBIDDEN_CHARACTERS}")):
        return place
    raise SettingsError(f"{name} must be a folder such as /archive, or a bucket's URL without credentials and query")


def _whole(environment: Mapping[str, str], name: str) -> int:
    text = environment.get(name, "") or str(NO_LIMIT)
    if not text.isdecimal():
        raise SettingsError(f"{name} is {text!r}; it must be a whole number, {NO_LIMIT} for no limit")
    return int(text)


def _object(environment: Mapping[str, str], name: str, default: Json) -> Json:
    text = environment.get(name, "")
    if not text:
        return default
    try:
        decoded = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{name} is not JSON: {error}") from error
    if not isinstance(decoded, dict):
        raise SettingsError(f"{name} must be a JSON object, such as {json.dumps(default)}")
    return decoded
