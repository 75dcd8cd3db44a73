"""The target: where files are uploaded, how, and what its answers look like."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, field

from loadtest_model.reasons import Reason
from loadtest_model.spec.auth import ONE_TOKEN_SOURCE, Auth
from loadtest_model.spec.connecting import HOST_PATTERN, ONE_AUTHORITY, ConnectionUse, Timeouts, Tls
from loadtest_model.spec.headers import (
    CANONICAL_NAME_CEL,
    CANONICAL_NAME_OF_ENTRY_CEL,
    MAX_SECRET_HEADERS,
    NO_RESERVED_HEADERS,
    SECRET_HEADER_RULES,
    VALID_HEADER_NAMES,
    SecretHeader,
    all_match,
    canonical_name,
)
from loadtest_model.spec.parts import (
    FORM_NAME_PATTERN,
    DottedPath,
    FormText,
    HeaderValue,
    Name,
    url_rules,
)
from loadtest_model.spec.rules import Rule, cel_string, duration_range, rule_annotation
from loadtest_model.urls import parse_url
from loadtest_model.values import DurationText, Value


class Format(StrEnum):
    """Of the uploaded files."""

    CSV = "csv"
    XLSX = "xlsx"


class ExpectCount(StrEnum):
    """What the count in an answer must be."""

    SENT = "sent"
    VALID = "valid"
    ANY = "any"


class WorkloadKind(StrEnum):
    """What runs the target's pods."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    REPLICA_SET = "ReplicaSet"


_FORM_FIELD_PATTERN: Final = FORM_NAME_PATTERN.replace("+", "{1,128}")


VALID_FORM_FIELD_NAMES: Final = Rule[dict[str, str]](
    cel=f"self.all(name, name.matches({cel_string(_FORM_FIELD_PATTERN)}))",
    message="spec.target.formFields must have names of 1 to 128 characters, no quotes or control characters",
    holds=lambda fields: all_match(_FORM_FIELD_PATTERN, fields),
)
UNAMBIGUOUS_MARKER: Final = Rule[str](
    cel="self != 'success' && !self.endsWith('.success')",
    message="spec.target.response.marker must be what only the answer to a load test has; every upload that is"
    " stored is a success",
    holds=lambda path: path != "success" and not path.endswith(".success"),
)


_URL_WITH_HOST: Final = "url('http://' + self + '/').getPort()"
VALID_HOST: Final = Rule[str](
    cel=f"isURL('http://' + self + '/') && ({_URL_WITH_HOST} == ''"
    f" || (size({_URL_WITH_HOST}) < 6 && int({_URL_WITH_HOST}) < 65536))",
    message="spec.target.host must be a name or an IP address, with a port between 1 and 65535 or none",
    holds=lambda host: parse_url(f"http://{host}/") is not None,
)


class Workload(Value, frozen=True, kw_only=True):
    kind: Annotated[WorkloadKind, Meta(description="Kind of the workload.")]
    name: Annotated[Name, Meta(description="Its name, in the namespace of the LoadTest.")]

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


class Response(Value, frozen=True, kw_only=True):
    marker: Annotated[
        DottedPath,
        Meta(description="Dotted path of the boolean that says the load-test header was honoured."),
        rule_annotation(UNAMBIGUOUS_MARKER),
    ] = "load_test_mode"
    count: Annotated[DottedPath, Meta(description="Dotted path of the number of rows the target processed.")] = (
        "processed_count"
    )
    nonce: Annotated[
        DottedPath, Meta(description="Dotted path where the target may return X-Load-Test-Nonce (proof Echoed).")
    ] = "load_test_nonce"
    expect_count: Annotated[
        ExpectCount,
        Meta(
            description="What the count must be. sent: all rows of the upload; valid: those that spec.records.invalid"
            " left right; any: it is not looked at, and may be absent."
        ),
    ] = ExpectCount.SENT


class Tracing(Value, frozen=True, kw_only=True):
    sample_ratio: Annotated[
        float,
        Meta(
            ge=0,
            le=1,
            description="Share of the uploads whose traceparent has the flag sampled. The others carry one without the"
            " flag. Required.",
        ),
    ]


class Target(Value, frozen=True, kw_only=True):
    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            description="Where the files are uploaded: http or https, without credentials or fragment. Required.",
        ),
        url_rules("spec.target.url", "http://django.shop.svc:8000/clients/upload/process/"),
    ]
    host: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=261,
                pattern=HOST_PATTERN,
                description="The Host header, for a target that answers to another name than the one it is reached"
                " by (Django's ALLOWED_HOSTS behind a Service name). Default: host and port of spec.target.url.",
            ),
            rule_annotation(VALID_HOST),
        ]
        | None
    ) = None
    auth: Annotated[
        Auth | None,
        Meta(description="Token sent in the Authorization header. Default: none."),
        rule_annotation(ONE_TOKEN_SOURCE),
    ] = None
    tls: Annotated[
        Tls | None,
        Meta(
            description="For an https target: whom to trust and how to be known. Certificates are always checked."
            " Default: the authorities of the image.",
        ),
        rule_annotation(ONE_AUTHORITY),
    ] = None
    connections: Annotated[
        ConnectionUse,
        Meta(
            description="PerUpload: each upload opens a connection of its own. Kept: a connection is used again within"
            " a second. Auto: one per upload from 1,000 rows a batch on, else kept."
        ),
    ] = ConnectionUse.AUTO
    headers: Annotated[
        dict[str, HeaderValue],
        Meta(
            max_length=16,
            description="Further request headers. X-Load-Test*, Host, Authorization, Accept-Encoding, Content-* and"
            " hop-by-hop headers belong to the generator.",
        ),
        rule_annotation(VALID_HEADER_NAMES, NO_RESERVED_HEADERS),
    ] = field(default_factory=dict)
    headers_from: Annotated[
        list[SecretHeader],
        Meta(
            max_length=MAX_SECRET_HEADERS,
            description="Further request headers whose values are kept in Secrets, such as Load-Test-Token for a"
            " service that has an Authorization of its own. A read-back sends them too, unless its auth is None.",
        ),
        rule_annotation(*SECRET_HEADER_RULES),
    ] = field(default_factory=list)
    file_field: Annotated[
        str,
        Meta(min_length=1, max_length=128, description="Name of the form's file field.", pattern=FORM_NAME_PATTERN),
    ] = "file"
    file_name: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                pattern=FORM_NAME_PATTERN,
                description="Name of the uploaded file; `{n}` becomes the number of the upload."
                " Default: clients-{n}.csv or clients-{n}.xlsx.",
            ),
        ]
        | None
    ) = None
    form_fields: Annotated[
        dict[str, FormText],
        Meta(
            max_length=16,
            description="Further fields of the form, sent before the file.",
        ),
        rule_annotation(VALID_FORM_FIELD_NAMES),
    ] = field(default_factory=dict)
    format: Annotated[Format, Meta(description="Format of the uploaded files: csv or xlsx (Excel).")] = Format.CSV
    timeout: Annotated[
        DurationText,
        Meta(description="Longest time for one upload, from connecting to the end of the answer."),
        rule_annotation(duration_range("spec.target.timeout", "1s", "1h")),
    ] = "120s"
    timeouts: Annotated[Timeouts, Meta(description="Bounds on the parts of an upload, within spec.target.timeout.")] = (
        field(default_factory=Timeouts)
    )
    response: Annotated[Response, Meta(description="Where the answer says what was done.")] = field(
        default_factory=Response
    )
    tracing: Annotated[
        Tracing | None,
        Meta(
            description="Each upload of the load carries a traceparent header (W3C Trace Context), with a trace of its"
            " own; the results name the traces of the slowest. Default: no upload carries one."
        ),
    ] = None
    workload: Annotated[
        Workload | None,
        Meta(
            description="What runs the target's pods. While the load runs the operator watches them: restarts, OOM"
            " kills, rollouts and readiness, memory and CPU where the cluster has a metrics API; they enter health,"
            " verdict and results. Default: they are not watched."
        ),
    ] = None
    metrics_url: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=2048,
                description="Where the target serves Prometheus metrics, for its memory"
                " (process_resident_memory_bytes). Of use only where one process answers: behind several workers it"
                " would be the memory of a random one, and is then called not measurable.",
            ),
            url_rules("spec.target.metricsUrl", "http://django.shop.svc:8000/metrics"),
        ]
        | None
    ) = None


TLS_NEEDS_HTTPS: Final = Rule[Target](
    cel="!has(self.tls) || self.url.lowerAscii().startsWith('https:')",
    message="spec.target.tls needs an https URL in spec.target.url",
    holds=lambda target: target.tls is None or target.url.lower().startswith("https:"),
    reason=Reason.TLSWithoutHTTPS,
)
ONE_TRACEPARENT: Final = Rule[Target](
    cel="!has(self.tracing) || ((!has(self.headers) || !self.headers.exists(name, name.lowerAscii() == 'traceparent'))"
    " && (!has(self.headersFrom) || !self.headersFrom.exists(header, header.name.lowerAscii() == 'traceparent')))",
    message="spec.target.tracing gives each upload a traceparent of its own, so spec.target.headers and"
    " spec.target.headersFrom must not have one",
    holds=lambda target: target.tracing is None or "traceparent" not in map(str.lower, _header_names(target)),
)
ONE_VALUE_FOR_A_HEADER: Final = Rule[Target](
    cel="!has(self.headersFrom) || self.headersFrom.all(header, self.headersFrom.exists_one(other,"
    f" other.name.lowerAscii().replace('_', '-') == {CANONICAL_NAME_OF_ENTRY_CEL})"
    f" && !(has(self.headers) && self.headers.exists(name, {CANONICAL_NAME_CEL} == {CANONICAL_NAME_OF_ENTRY_CEL})))",
    message="spec.target.headersFrom must name each header once, and none that spec.target.headers has",
    holds=lambda target: not _has_repeated_header(target),
)


def _header_names(target: Target) -> list[str]:
    return [*target.headers, *(header.name for header in target.headers_from)]


def _has_repeated_header(target: Target) -> bool:
    names = [canonical_name(header.name) for header in target.headers_from]
    return len(set(names)) < len(names) or not set(names).isdisjoint(map(canonical_name, target.headers))
