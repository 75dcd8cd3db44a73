"""The proof that precedes any load, and the read-back that follows it."""

import re
from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta, field

from loadtest_model.reasons import Reason
from loadtest_model.spec.parts import HEADER_NAME_PATTERN, DottedPath, HeaderValue, url_rules
from loadtest_model.spec.rules import Rule, cel_string, duration_range, rule_annotation
from loadtest_model.values import DurationText, Value, nanoseconds_of

LOOK_UP_PATTERN: Final = "[{][^{}]+[}]"
"""A column's name in braces. Where it stands in a URL, the value of a row in that column takes its place."""

_RESERVED_HEADERS: Final = ("host", "authorization", "connection", "content-length", "transfer-encoding")
_LONGEST_SETTLE_TIME: Final = "10m"


def _is_allowed_header(header: str) -> bool:
    return re.search(HEADER_NAME_PATTERN, header) is not None and header.lower() not in _RESERVED_HEADERS


VALID_READ_BACK_HEADERS: Final = Rule[dict[str, str]](
    cel=f"self.all(name, name.matches({cel_string(HEADER_NAME_PATTERN)})"
    f" && !(name.lowerAscii() in {list(_RESERVED_HEADERS)}))",
    message="spec.verification.readBack.headers must have names that HTTP allows, and not Host, Authorization"
    " or those of the connection",
    holds=lambda headers: all(map(_is_allowed_header, headers)),
)
LONGEST_SETTLE: Final = Rule[str](
    cel=f"duration(self) <= duration('{_LONGEST_SETTLE_TIME}')",
    message=f"spec.verification.readBack.settle must be at most {_LONGEST_SETTLE_TIME}",
    holds=lambda text: nanoseconds_of(text) <= nanoseconds_of(_LONGEST_SETTLE_TIME),
    reason=Reason.ReadBackInvalid,
)


class Requirement(StrEnum):
    """The level of proof that is enough."""

    ACKNOWLEDGED = "Acknowledged"
    ECHOED = "Echoed"
    PROVEN = "Proven"


class ReadBackAuth(StrEnum):
    """Whose Authorization header a read-back sends."""

    TARGET = "Target"
    NONE = "None"


class UnreadableEndpoints(StrEnum):
    """What to do where the operator may not read the endpoints behind the target's Service."""

    REFUSE = "Refuse"
    ACCEPT = "Accept"


class ReadBackControl(Value, frozen=True, kw_only=True):
    """What is known to exist; exactly one of the three."""

    client_id: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                pattern=r"^[\x21-\x7e]+\Z",
                description="client_id of a row that is stored; it is looked up in `url` as this test's own are.",
            ),
        ]
        | None
    ) = None
    value: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=256,
                pattern=r"^[^\x00-\x1f\x7f]+\Z",
                description="The same for a look-up by another column: the value of a row that is stored.",
            ),
        ]
        | None
    ) = None
    url: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=2048,
                description="Another URL that must find something: at `countPath` more than 0.",
            ),
            url_rules("spec.verification.readBack.control.url", "http://django.shop.svc:8000/clients/count/"),
        ]
        | None
    ) = None


class ReadBack(Value, frozen=True, kw_only=True):
    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            description="Where to read what the target has stored, by GET. With the name of a column whose values are"
            " unique in braces, such as `{client_id}`, in its path or query the canary and other rows of this test are"
            " looked up; without it, it tells how many rows are stored.",
        ),
        url_rules("spec.verification.readBack.url", "http://django.shop.svc:8000/clients/count/?client_id={client_id}"),
    ]
    count_path: (
        Annotated[
            DottedPath,
            Meta(
                description="Dotted path of a count of rows, or of a list of them, in the answer. A look-up may leave"
                " it out: then 2xx says found. 404 says absent, where control.clientId or control.value is found; else"
                " it shows nothing."
            ),
        ]
        | None
    ) = None
    control: Annotated[
        ReadBackControl | None,
        Meta(
            description="What is known to exist and must be found, or the read-back shows nothing. Needed by a look-up;"
            " without it a count must be above 0."
        ),
    ] = None
    headers: Annotated[
        dict[str, HeaderValue],
        Meta(
            max_length=16,
            description="Further headers of these requests, such as X-Tenant. Host and Authorization are not among"
            " them.",
        ),
        rule_annotation(VALID_READ_BACK_HEADERS),
    ] = field(default_factory=dict)
    auth: Annotated[
        ReadBackAuth,
        Meta(
            description="Target: send the uploads' Authorization header and those of spec.target.headersFrom here too."
            " None: send none of them."
        ),
    ] = ReadBackAuth.TARGET
    settle: Annotated[
        DurationText,
        Meta(
            description="Time between the reading after the last answer and the last one, for rows that are stored"
            " late, such as by a task queue.",
        ),
        rule_annotation(LONGEST_SETTLE),
    ] = "5s"
    timeout: Annotated[
        DurationText,
        Meta(description="Longest time for one reading; within it, what fails is tried again."),
        rule_annotation(duration_range("spec.verification.readBack.timeout", "1s", "10m")),
    ] = "30s"


def _is_look_up(read_back: ReadBack) -> bool:
    return re.search(LOOK_UP_PATTERN, read_back.url) is not None


def _control_row(control: ReadBackControl) -> str | None:
    return control.client_id or control.value


_CEL_LOOKS_UP: Final = f"self.url.matches('{LOOK_UP_PATTERN}')"

READ_BACK_RULES: Final = (
    Rule[ReadBack](
        cel=f"{_CEL_LOOKS_UP} ? has(self.control) : has(self.countPath)",
        message="spec.verification.readBack needs control for a look-up ({client_id} or another column in its url), and"
        " countPath for a count (none in its url)",
        holds=lambda read_back: (read_back.control if _is_look_up(read_back) else read_back.count_path) is not None,
        reason=Reason.ReadBackInvalid,
    ),
    Rule[ReadBack](
        cel="!has(self.control) || [has(self.control.clientId), has(self.control.value), has(self.control.url)]"
        ".filter(given, given).size() == 1",
        message="spec.verification.readBack.control must be one of clientId, value and url",
        holds=lambda read_back: (
            read_back.control is None
            or [read_back.control.client_id, read_back.control.value, read_back.control.url].count(None) == 2
        ),
        reason=Reason.ReadBackInvalid,
    ),
    Rule[ReadBack](
        cel=f"!has(self.control) || !(has(self.control.clientId) || has(self.control.value)) || {_CEL_LOOKS_UP}",
        message="spec.verification.readBack.control.clientId and value need {client_id} or another column in"
        " spec.verification.readBack.url",
        holds=lambda read_back: (
            read_back.control is None or _control_row(read_back.control) is None or _is_look_up(read_back)
        ),
        reason=Reason.ReadBackInvalid,
    ),
    Rule[ReadBack](
        cel="!has(self.control) || !has(self.control.url) || has(self.countPath)",
        message="spec.verification.readBack.control.url needs spec.verification.readBack.countPath",
        holds=lambda read_back: (
            read_back.control is None or read_back.control.url is None or read_back.count_path is not None
        ),
        reason=Reason.ReadBackInvalid,
    ),
)


class Verification(Value, frozen=True, kw_only=True):
    require: Annotated[
        Requirement,
        Meta(
            description="Level of proof that is enough: Acknowledged (marker true, rows counted right), Echoed (the"
            " answer also returns the request's nonce), or Proven (a read-back shows, before the load and after it,"
            " that nothing was stored)."
        ),
    ] = Requirement.ACKNOWLEDGED
    read_back: Annotated[
        ReadBack | None,
        Meta(
            description="How to read what the target has stored. Needed for Proven; beside a lower requirement it is"
            " read all the same, and rows that it finds fail the test.",
        ),
        rule_annotation(*READ_BACK_RULES),
    ] = None
    only: Annotated[
        bool,
        Meta(
            description="True: the pods prove the target, and nothing is loaded. The test then ends as Passed with the"
            " reason OnlyVerified, and thresholds are not judged."
        ),
    ] = False
    unreadable_endpoints: Annotated[
        UnreadableEndpoints,
        Meta(
            description="What to do where the operator may not read the endpoints behind the target's Service, as in a"
            " namespace that it does not watch. Refuse: no load. Accept: the Service's own address alone is proven, not"
            " each endpoint, and the verdict, status and report say so."
        ),
    ] = UnreadableEndpoints.REFUSE
