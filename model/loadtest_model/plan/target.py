"""The target as the pods see it."""

from typing import TypeVar

from msgspec import field

from loadtest_model.plan.errors import PlanError
from loadtest_model.plan.secrets import SecretPlace, SecretPlaces
from loadtest_model.reasons import Reason
from loadtest_model.spec.auth import Auth, Login, LoginFormat
from loadtest_model.spec.connecting import ConnectionUse
from loadtest_model.spec.target import ExpectCount, Format, Target
from loadtest_model.values import WireValue, seconds_of

T = TypeVar("T")


class LoginPlan(WireValue, frozen=True, kw_only=True):
    """A login that gives a token: name and password are read from their places and posted to `url`."""

    url: str
    username: SecretPlace
    password: SecretPlace
    username_field: str
    password_field: str
    format: LoginFormat
    token_path: str
    expires_in_path: str | None


class TlsPlan(WireValue, frozen=True, kw_only=True):
    """`ca_file` stands in place of the system's authorities; certificate and key come together."""

    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    server_name: str | None = None


class TargetPlan(WireValue, frozen=True, kw_only=True):
    """Where and how uploads are sent.

    `addresses` are `ip:port` pairs that stand for the URL's host (a Service's endpoints); where there are none,
    the host's name is resolved in the pod. `host` is the Host header, where it is not the URL's. At most one of
    `token` and `login` is given. `secret_headers` has the places of further headers' values, by the headers' names. A
    part's time-out is never longer than `timeout_seconds`, the whole upload's. `trace_sample_ratio` is the share of the
    uploads whose trace is sampled; with None no upload has a trace.
    """

    url: str
    addresses: tuple[str, ...]
    headers: dict[str, str]
    host: str | None
    auth_scheme: str
    token: SecretPlace | None
    login: LoginPlan | None
    tls: TlsPlan
    connections: ConnectionUse
    file_field: str
    file_name: str
    form_fields: dict[str, str]
    format: Format
    timeout_seconds: float
    connect_timeout_seconds: float
    upload_timeout_seconds: float
    answer_timeout_seconds: float
    marker_path: str
    count_path: str
    nonce_path: str
    metrics_url: str | None = None
    expect_count: ExpectCount = ExpectCount.SENT
    trace_sample_ratio: float | None = None
    secret_headers: dict[str, SecretPlace] = field(default_factory=dict)


def compile_target(target: Target, addresses: tuple[str, ...], places: SecretPlaces) -> TargetPlan:
    """The target of a spec. Raises PlanError for a secret that is named but has no place."""
    timeout_seconds = seconds_of(target.timeout)
    return TargetPlan(
        url=target.url,
        addresses=addresses,
        headers=target.headers,
        host=target.host,
        auth_scheme=target.auth.scheme if target.auth else "Bearer",
        token=_compile_token(target.auth, places),
        login=_compile_login(target.auth.login, places) if target.auth and target.auth.login else None,
        tls=_compile_tls(target, places),
        connections=target.connections,
        file_field=target.file_field,
        file_name=target.file_name or f"clients-{{n}}.{target.format}",
        form_fields=target.form_fields,
        format=target.format,
        timeout_seconds=timeout_seconds,
        connect_timeout_seconds=_within(target.timeouts.connect, timeout_seconds),
        upload_timeout_seconds=_within(target.timeouts.upload, timeout_seconds),
        answer_timeout_seconds=_within(target.timeouts.answer, timeout_seconds),
        marker_path=target.response.marker,
        count_path=target.response.count,
        nonce_path=target.response.nonce,
        expect_count=target.response.expect_count,
        metrics_url=target.metrics_url,
        trace_sample_ratio=target.tracing.sample_ratio if target.tracing else None,
        secret_headers=_compile_secret_headers(target, places),
    )


def _within(part: str | None, timeout_seconds: float) -> float:
    return timeout_seconds if part is None else min(seconds_of(part), timeout_seconds)


def _compile_token(auth: Auth | None, places: SecretPlaces) -> SecretPlace | None:
    """A login stands in place of a token; a token may also be at hand where the spec names none."""
    if auth is None:
        return places.token
    if auth.login is not None:
        return None
    return _require(places.token, "spec.target.auth.secretKeyRef", "token")


def _compile_login(login: Login, places: SecretPlaces) -> LoginPlan:
    path = "spec.target.auth.login.secretRef"
    return LoginPlan(
        url=login.url,
        username=_require(places.username, path, "user's name"),
        password=_require(places.password, path, "password"),
        username_field=login.username_field,
        password_field=login.password_field,
        format=login.format,
        token_path=login.token_path,
        expires_in_path=login.expires_in_path,
    )


def _compile_secret_headers(target: Target, places: SecretPlaces) -> dict[str, SecretPlace]:
    """A place that is at hand for a header counts even if the spec does not name that header."""
    for header in target.headers_from:
        _require(places.headers.get(header.name), "spec.target.headersFrom", f"value of the header {header.name}")
    return places.headers


def _compile_tls(target: Target, places: SecretPlaces) -> TlsPlan:
    tls = target.tls
    if tls is None:
        return TlsPlan(ca_file=places.ca_file, certificate_file=places.certificate_file, key_file=places.key_file)
    if tls.ca_secret_key_ref or tls.ca_config_map_key_ref:
        _require(places.ca_file, "spec.target.tls", "certificate of the authority")
    if tls.client_certificate_secret_ref:
        _require(places.certificate_file, "spec.target.tls.clientCertificateSecretRef", "client's certificate")
        _require(places.key_file, "spec.target.tls.clientCertificateSecretRef", "key of the client's certificate")
    return TlsPlan(
        ca_file=places.ca_file,
        certificate_file=places.certificate_file,
        key_file=places.key_file,
        server_name=tls.server_name,
    )


def _require(place: T | None, path: str, noun: str) -> T:
    if place is None:
        raise PlanError(
            Reason.SecretMissing, f"{path} names an object of a cluster, but nothing says where its {noun} is"
        )
    return place
