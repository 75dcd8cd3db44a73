"""How the target is connected to: time-outs by part, TLS, and how long a connection lives."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.spec.parts import Name, SecretKey
from loadtest_model.spec.rules import Rule, duration_range, rule_annotation
from loadtest_model.values import DurationText, Value


class ConnectionUse(StrEnum):
    """Whether an upload uses the connection of another one."""

    AUTO = "Auto"
    PER_UPLOAD = "PerUpload"
    KEPT = "Kept"


HOST_NAME_PATTERN: Final = r"^[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9_-]*[A-Za-z0-9])?)*\Z"
HOST_PATTERN: Final = r"^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(:[1-9][0-9]{0,4})?\Z"


class Timeouts(Value, frozen=True, kw_only=True):
    connect: Annotated[
        DurationText,
        Meta(description="Longest time for opening a connection, TLS included; no longer than spec.target.timeout."),
        rule_annotation(duration_range("spec.target.timeouts.connect", "10ms", "1h")),
    ] = "10s"
    upload: (
        Annotated[
            DurationText,
            Meta(
                description="Longest time for sending the body, from when the connection is ready to send to the last"
                " byte. Default: only spec.target.timeout bounds it.",
            ),
            rule_annotation(duration_range("spec.target.timeouts.upload", "10ms", "1h")),
        ]
        | None
    ) = None
    answer: (
        Annotated[
            DurationText,
            Meta(
                description="Longest time for the answer, from the body's last byte to the answer's last. Default:"
                " only spec.target.timeout bounds it.",
            ),
            rule_annotation(duration_range("spec.target.timeouts.answer", "10ms", "1h")),
        ]
        | None
    ) = None


class CaSecretKey(SecretKey, frozen=True, kw_only=True):
    key: Annotated[Name, Meta(description="Key within the Secret's data.")] = "ca.crt"


class CaConfigMapKey(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of a ConfigMap in the namespace of the LoadTest.")]
    key: Annotated[Name, Meta(description="Key within the ConfigMap's data.")] = "ca.crt"


class CertificateSecret(Value, frozen=True, kw_only=True):
    name: Annotated[
        Name, Meta(description="Name of a Secret of type kubernetes.io/tls in the namespace of the LoadTest.")
    ]


class Tls(Value, frozen=True, kw_only=True):
    ca_secret_key_ref: Annotated[
        CaSecretKey | None,
        Meta(description="Secret with the authorities that may sign the target's certificate, as PEM."),
    ] = None
    ca_config_map_key_ref: Annotated[
        CaConfigMapKey | None,
        Meta(description="ConfigMap with the authorities that may sign the target's certificate, as PEM."),
    ] = None
    client_certificate_secret_ref: Annotated[
        CertificateSecret | None,
        Meta(description="The certificate (tls.crt) and its key (tls.key) that are shown to the target."),
    ] = None
    server_name: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=253,
                pattern=HOST_NAME_PATTERN,
                description="Name that is asked for (SNI) and that the target's certificate must bear. Default: the"
                " host in spec.target.url.",
            ),
        ]
        | None
    ) = None


ONE_AUTHORITY: Final = Rule[Tls](
    cel="!(has(self.caSecretKeyRef) && has(self.caConfigMapKeyRef))",
    message="spec.target.tls takes the authorities from one place: caSecretKeyRef or caConfigMapKeyRef",
    holds=lambda tls: tls.ca_secret_key_ref is None or tls.ca_config_map_key_ref is None,
)
