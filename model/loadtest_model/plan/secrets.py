"""Where a pod, or a laptop, finds what a spec only names: tokens, passwords, headers and certificates."""

from typing import Final

from msgspec import field

from loadtest_model.values import WireValue


class SecretPlace(WireValue, frozen=True, kw_only=True):
    """A file that holds a secret, or else the variable of the environment that does."""

    file: str | None = None
    variable: str | None = None


class SecretPlaces(WireValue, frozen=True, kw_only=True):
    """The places of all that a target may need; the certificates are always files, in PEM. `headers` go by name."""

    token: SecretPlace | None = None
    username: SecretPlace | None = None
    password: SecretPlace | None = None
    ca_file: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    headers: dict[str, SecretPlace] = field(default_factory=dict)


NO_PLACES: Final = SecretPlaces()
