"""The spec of a LoadTest as people write it. The CRD's schema is made from these types, see `crd`."""

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from loadtest_model.thresholds import METRICS, expression_pattern
from loadtest_model.values import DurationText, Value

GROUP: Final = "x-load-test.dev"
VERSION: Final = "v1alpha1"
KIND: Final = "LoadTest"
PLURAL: Final = "loadtests"
API_VERSION: Final = f"{GROUP}/{VERSION}"

ScenarioName = Literal["light", "medium", "heavy", "stress", "all", "custom"]
Format = Literal["csv"]

Name = Annotated[str, Meta(min_length=1, max_length=253)]
Path = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$", max_length=128)]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=128)]
HeaderValue = Annotated[str, Meta(pattern=r"^[\x20-\x7e]*$", max_length=1024)]
FORM_NAME_PATTERN: Final = r'^[^"\x00-\x1f\x7f]+$'
FormName = Annotated[str, Meta(min_length=1, max_length=128, pattern=FORM_NAME_PATTERN)]
FormText = Annotated[str, Meta(max_length=1024)]
Quantity = Annotated[int | str, Meta(extra_json_schema={"x-kubernetes-int-or-string": True})]


def rule(expression: str, message: str, field_path: str | None = None) -> dict[str, str]:
    """One CEL rule of the schema, as the API server reads it."""
    made = {"rule": expression, "message": message}
    return made if field_path is None else {**made, "fieldPath": field_path}


def rules(*made: dict[str, str]) -> dict[str, Any]:
    return {"x-kubernetes-validations": list(made)}


class SecretKey(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of a Secret in the namespace of the LoadTest.")]
    key: Annotated[Name, Meta(description="Key within the Secret's data.")] = "token"


class Auth(Value, frozen=True, kw_only=True):
    secret_key_ref: Annotated[
        SecretKey,
        Meta(description="Where the token is kept. It is mounted as a file and read again on a 401."),
    ]
    scheme: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z][A-Za-z0-9-]*$",
            max_length=32,
            description="Word before the token in the Authorization header: Bearer, or Token for DRF.",
        ),
    ] = "Bearer"


class Response(Value, frozen=True, kw_only=True):
    marker: Annotated[
        Path,
        Meta(
            description="Dotted path of the boolean that says the load-test header was honoured.",
            extra_json_schema=rules(
                rule(
                    "self != 'success' && !self.endsWith('.success')",
                    "spec.target.response.marker must be what only the answer to a load test has; every upload that is"
                    " stored is a success",
                )
            ),
        ),
    ] = "load_test_mode"
    count: Annotated[Path, Meta(description="Dotted path of the number of rows the target processed.")] = (
        "processed_count"
    )
    nonce: Annotated[
        Path, Meta(description="Dotted path where the target may return X-Load-Test-Nonce (proof Echoed).")
    ] = "load_test_nonce"


class Target(Value, frozen=True, kw_only=True):
    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            description="Where the files are uploaded: http or https, without credentials or fragment. Required.",
            extra_json_schema=rules(
                rule(
                    "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",
                    "spec.target.url must be an http or https URL with a host, such as"
                    " http://django.shop.svc:8000/clients/upload/process/",
                ),
                rule(
                    "!isURL(self) || url(self).getPort() == '' || (size(url(self).getPort()) < 6"
                    " && int(url(self).getPort()) > 0 && int(url(self).getPort()) < 65536)",
                    "spec.target.url must have a port between 1 and 65535, or none",
                ),
                rule(
                    "!self.contains('@') && !self.contains('#') && !self.contains(' ')",
                    "spec.target.url must not contain credentials (@), a fragment (#) or a space;"
                    " put a token into a Secret and name it in spec.target.auth",
                ),
            ),
        ),
    ]
    auth: Annotated[Auth | None, Meta(description="Token sent in the Authorization header. Default: none.")] = None
    headers: Annotated[
        dict[HeaderName, HeaderValue],
        Meta(
            max_length=16,
            description="Further request headers. X-Load-Test*, Host, Authorization, Content-* and hop-by-hop"
            " headers belong to the generator.",
            extra_json_schema=rules(
                rule(
                    r"self.all(name, name.matches('^[A-Za-z0-9!#$%&\'*+.^_`|~-]{1,128}$'))",
                    "spec.target.headers must have names that HTTP allows: letters, digits and !#$%&'*+.^_`|~-",
                ),
                rule(
                    # Servers that know variables and not headers (CGI, WSGI) cannot tell _ from -.
                    "self.all(name, !(name.lowerAscii().replace('_', '-').startsWith('x-load-test')"
                    " || name.lowerAscii().replace('_', '-').startsWith('content-')"
                    " || name.lowerAscii().replace('_', '-') in ['host', 'authorization', 'connection',"
                    " 'transfer-encoding', 'keep-alive', 'te', 'trailer', 'upgrade', 'expect',"
                    " 'proxy-authorization']))",
                    "spec.target.headers must not set X-Load-Test*, Content-*, Host, Authorization or hop-by-hop"
                    " headers; the generator sets them (a token goes into spec.target.auth)",
                ),
            ),
        ),
    ] = field(default_factory=dict)
    file_field: Annotated[
        str,
        Meta(min_length=1, max_length=128, description="Name of the form's file field.", pattern=FORM_NAME_PATTERN),
    ] = "file"
    file_name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=128,
            pattern=FORM_NAME_PATTERN,
            description="Name of the uploaded file; `{n}` becomes the number of the upload.",
        ),
    ] = "clients-{n}.csv"
    form_fields: Annotated[
        dict[FormName, FormText],
        Meta(
            max_length=16,
            description="Further fields of the form, sent before the file.",
            extra_json_schema=rules(
                rule(
                    # A schema of Kubernetes cannot say this of a map's keys.
                    r"self.all(name, name.matches('^[^\"\\x00-\\x1f\\x7f]{1,128}$'))",
                    "spec.target.formFields must have names of 1 to 128 characters, no quotes or control characters",
                )
            ),
        ),
    ] = field(default_factory=dict)
    format: Annotated[Format, Meta(description="Format of the uploaded files.")] = "csv"
    timeout: Annotated[
        DurationText,
        Meta(
            description="Longest time for one upload, from connecting to the end of the answer.",
            extra_json_schema=rules(
                rule(
                    "duration(self) >= duration('1s') && duration(self) <= duration('1h')",
                    "spec.target.timeout must lie between 1s and 1h",
                )
            ),
        ),
    ] = "120s"
    response: Annotated[Response, Meta(description="Where the answer says what was done.")] = field(
        default_factory=Response
    )


class Stage(Value, frozen=True, kw_only=True):
    duration: Annotated[DurationText, Meta(description="Length of the stage; 0s jumps at once.")]
    virtual_users: Annotated[
        int,
        Meta(
            ge=0,
            le=10_000,
            description="Virtual users of the whole fleet at the end of the stage; within it the number changes"
            " linearly from the end of the stage before (from 0 at first).",
        ),
    ]


class Load(Value, frozen=True, kw_only=True):
    batch_size: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=1_000_000,
                description="Client records in one uploaded file. Default: the scenario's.",
            ),
        ]
        | None
    ) = None
    virtual_users: (
        Annotated[
            int,
            Meta(ge=1, le=10_000, description="Virtual users of the whole fleet. Default: the scenario's."),
        ]
        | None
    ) = None
    duration: (
        Annotated[
            DurationText,
            Meta(
                description="Length of the load of a step. Default: the scenario's.",
                extra_json_schema=rules(
                    rule(
                        "duration(self) >= duration('1s') && duration(self) <= duration('24h')",
                        "spec.load.duration must lie between 1s and 24h",
                    )
                ),
            ),
        ]
        | None
    ) = None
    stages: (
        Annotated[
            list[Stage],
            Meta(
                min_length=1,
                max_length=50,
                description="Load profile instead of `duration` and `virtualUsers`. Default: the scenario's.",
                extra_json_schema=rules(
                    rule(
                        "self.exists(s, duration(s.duration) >= duration('1s') && s.virtualUsers > 0)",
                        "spec.load.stages needs a stage of at least 1s that reaches a virtual user",
                    )
                ),
            ),
        ]
        | None
    ) = None
    think_time: Annotated[DurationText, Meta(description="Pause of a virtual user between two uploads.")] = "0s"
    warm_up: Annotated[
        DurationText,
        Meta(description="First part of a step's load that is checked and counted, but not held to thresholds."),
    ] = "0s"


class Records(Value, frozen=True, kw_only=True):
    seed: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2**53,
                description="The same seed gives the same records. Default: made from the run's id.",
            ),
        ]
        | None
    ) = None


class Verification(Value, frozen=True, kw_only=True):
    require: Annotated[
        Literal["Acknowledged", "Echoed"],
        Meta(
            description="Level of proof that is enough to start: Acknowledged (marker true, rows counted right)"
            " or Echoed (the answer also returns the request's nonce)."
        ),
    ] = "Acknowledged"


class Toleration(Value, frozen=True, kw_only=True):
    key: (
        Annotated[str, Meta(max_length=317, description="Key of the taint; with Exists it may be left out.")] | None
    ) = None
    operator: Annotated[Literal["Exists", "Equal"], Meta(description="How key and value are compared.")] | None = None
    value: Annotated[str, Meta(max_length=63, description="Value of the taint, for Equal.")] | None = None
    effect: (
        Annotated[
            Literal["NoSchedule", "PreferNoSchedule", "NoExecute"],
            Meta(description="Effect of the taint; all if absent."),
        ]
        | None
    ) = None
    toleration_seconds: Annotated[int, Meta(description="Seconds that a NoExecute taint is borne.")] | None = None


class LocalReference(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of an object in the namespace of the LoadTest.")]


class Resources(Value, frozen=True, kw_only=True):
    requests: (
        Annotated[dict[Name, Quantity], Meta(max_length=8, description="What is reserved, such as cpu: 500m.")] | None
    ) = None
    limits: (
        Annotated[dict[Name, Quantity], Meta(max_length=8, description="What is at most given, such as memory: 256Mi.")]
        | None
    ) = None


class Pod(Value, frozen=True, kw_only=True):
    resources: Annotated[
        Resources | None, Meta(description="Resources of the loadgen container. Default: the installation's.")
    ] = None
    node_selector: (
        Annotated[
            dict[Name, Annotated[str, Meta(max_length=63)]],
            Meta(max_length=16, description="Labels of the nodes that may run the pods."),
        ]
        | None
    ) = None
    tolerations: (
        Annotated[list[Toleration], Meta(max_length=16, description="Taints that the pods tolerate.")] | None
    ) = None
    priority_class_name: Annotated[Name, Meta(description="Priority class of the pods.")] | None = None
    image_pull_secrets: (
        Annotated[list[LocalReference], Meta(max_length=8, description="Secrets for pulling the image.")] | None
    ) = None


class Spec(Value, frozen=True, kw_only=True):
    target: Annotated[Target, Meta(description="The system under test. Required.")]
    scenario: Annotated[
        ScenarioName,
        Meta(
            description="Preset of batch size, virtual users, duration and thresholds. light: basic function;"
            " medium: normal load; heavy: high load; stress: a million records; all: these four, one after the"
            " other; custom: only what spec.load says. Required."
        ),
    ]
    load: Annotated[Load, Meta(description="What differs from the scenario's preset.")] = field(default_factory=Load)
    parallelism: Annotated[int, Meta(ge=1, le=1_000, description="Number of loadgen pods that share the load.")] = 1
    records: Annotated[Records, Meta(description="The synthetic client records.")] = field(default_factory=Records)
    verification: Annotated[Verification, Meta(description="The proof that precedes any load.")] = field(
        default_factory=Verification
    )
    thresholds: (
        Annotated[
            list[
                Annotated[
                    str,
                    Meta(
                        max_length=64,
                        extra_json_schema=rules(
                            rule(
                                f"self.matches('{expression_pattern()}')",
                                "spec.thresholds: write `metric < bound`, such as p95 < 20s, error_rate < 1% or"
                                f" records_per_second > 5000; metrics are {', '.join(METRICS)}",
                            )
                        ),
                    ),
                ]
            ],
            Meta(
                max_length=32,
                description="Bounds on the merged measurements, such as `p95 < 20s`, `error_rate < 1%` or"
                " `records_per_second > 5000`; they replace the scenario's defaults.",
            ),
        ]
        | None
    ) = None
    stop: Annotated[bool, Meta(description="Set to true to end a running test: uploads in flight are finished.")] = (
        False
    )
    suspend: Annotated[bool, Meta(description="While true, a test that has not started waits in phase Queued.")] = False
    run_id: (
        Annotated[
            str,
            Meta(
                pattern=r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
                max_length=40,
                description="Names a run of this test. A completed test runs again only with another run id."
                " Default: 1.",
            ),
        ]
        | None
    ) = None
    pod: Annotated[Pod, Meta(description="How the loadgen pods are scheduled.")] = field(default_factory=Pod)
    ttl_seconds_after_finished: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=2_592_000,
                description="Seconds after which Job and pods of a completed test are removed; the LoadTest stays."
                " Default: they stay as long as the LoadTest.",
            ),
        ]
        | None
    ) = None


class Identity(Struct, frozen=True, kw_only=True):
    """Which resource a spec came from."""

    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"
