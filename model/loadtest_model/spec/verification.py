"""The proof that precedes any load, and the read-back that follows it."""

from typing import Annotated, Final, Literal

from msgspec import Meta, field

from loadtest_model.spec.parts import HeaderName, HeaderValue, Path, rule, rules, url_rules
from loadtest_model.values import DurationText, Value

CLIENT_ID: Final = "{client_id}"
"""Where it stands in a URL, the client_id of a row takes its place."""


class Control(Value, frozen=True, kw_only=True):
    """What is known to exist; exactly one of the two."""

    client_id: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=128,
                pattern=r"^[\x21-\x7e]+$",
                description="client_id of a row that is stored; it is looked up in `url` as this test's own are.",
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
                extra_json_schema=url_rules(
                    "spec.verification.readBack.control.url", "http://django.shop.svc:8000/clients/count/"
                ),
            ),
        ]
        | None
    ) = None


class ReadBack(Value, frozen=True, kw_only=True):
    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            description="Where to read what the target has stored, by GET. With `{client_id}` in its path or query the"
            " canary and other rows of this test are looked up; without it, it tells how many rows are stored.",
            extra_json_schema=url_rules(
                "spec.verification.readBack.url", "http://django.shop.svc:8000/clients/count/?client_id={client_id}"
            ),
        ),
    ]
    count_path: (
        Annotated[
            Path,
            Meta(
                description="Dotted path of a count of rows, or of a list of them, in the answer. A look-up may leave"
                " it out: then 2xx says found. 404 says absent, where control.clientId is found; else it shows nothing."
            ),
        ]
        | None
    ) = None
    control: Annotated[
        Control | None,
        Meta(
            description="What is known to exist and must be found, or the read-back shows nothing. Needed by a look-up;"
            " without it a count must be above 0."
        ),
    ] = None
    headers: Annotated[
        dict[HeaderName, HeaderValue],
        Meta(
            max_length=16,
            description="Further headers of these requests, such as X-Tenant. Host and Authorization are not among"
            " them.",
            extra_json_schema=rules(
                rule(
                    r"self.all(name, name.matches('^[A-Za-z0-9!#$%&\'*+.^_`|~-]{1,128}$')"
                    " && !(name.lowerAscii() in ['host', 'authorization', 'connection', 'content-length',"
                    " 'transfer-encoding']))",
                    "spec.verification.readBack.headers must have names that HTTP allows, and not Host, Authorization"
                    " or those of the connection",
                ),
            ),
        ),
    ] = field(default_factory=dict)
    auth: Annotated[
        Literal["Target", "None"],
        Meta(description="Target: send the Authorization header of the uploads here too. None: send none."),
    ] = "Target"
    settle: Annotated[
        DurationText,
        Meta(
            description="Time between the reading after the last answer and the last one, for rows that are stored"
            " late, such as by a task queue.",
            extra_json_schema=rules(
                rule(
                    "duration(self) <= duration('10m')",
                    "spec.verification.readBack.settle must be at most 10m",
                )
            ),
        ),
    ] = "5s"
    timeout: Annotated[
        DurationText,
        Meta(
            description="Longest time for one reading; within it, what fails is tried again.",
            extra_json_schema=rules(
                rule(
                    "duration(self) >= duration('1s') && duration(self) <= duration('10m')",
                    "spec.verification.readBack.timeout must lie between 1s and 10m",
                )
            ),
        ),
    ] = "30s"


class Verification(Value, frozen=True, kw_only=True):
    require: Annotated[
        Literal["Acknowledged", "Echoed", "Proven"],
        Meta(
            description="Level of proof that is enough: Acknowledged (marker true, rows counted right), Echoed (the"
            " answer also returns the request's nonce), or Proven (a read-back shows, before the load and after it,"
            " that nothing was stored)."
        ),
    ] = "Acknowledged"
    read_back: Annotated[
        ReadBack | None,
        Meta(
            description="How to read what the target has stored. Needed for Proven; beside a lower requirement it is"
            " read all the same, and rows that it finds fail the test.",
            extra_json_schema=rules(
                rule(
                    f"self.url.contains('{CLIENT_ID}') ? has(self.control) : has(self.countPath)",
                    "spec.verification.readBack needs control for a look-up ({client_id} in its url), and countPath for"
                    " a count (none in its url)",
                ),
                rule(
                    "!has(self.control) || has(self.control.clientId) != has(self.control.url)",
                    "spec.verification.readBack.control must be either clientId or url",
                ),
                rule(
                    f"!has(self.control) || !has(self.control.clientId) || self.url.contains('{CLIENT_ID}')",
                    "spec.verification.readBack.control.clientId needs {client_id} in spec.verification.readBack.url",
                ),
                rule(
                    "!has(self.control) || !has(self.control.url) || has(self.countPath)",
                    "spec.verification.readBack.control.url needs spec.verification.readBack.countPath",
                ),
            ),
        ),
    ] = None
    unreadable_endpoints: Annotated[
        Literal["Refuse", "Accept"],
        Meta(
            description="What to do where the operator may not read the endpoints behind the target's Service, as in a"
            " namespace that it does not watch. Refuse: no load. Accept: the Service's own address alone is proven, not"
            " each endpoint, and the verdict, status and report say so."
        ),
    ] = "Refuse"
