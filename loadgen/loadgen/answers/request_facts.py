"""What was sent, as far as a failure may come from it."""

from dataclasses import dataclass
from typing import Final

from yarl import URL

DJANGO_IN_MEMORY_BYTES: Final = 2_621_440
"""Default of FILE_UPLOAD_MAX_MEMORY_SIZE and of DATA_UPLOAD_MAX_MEMORY_SIZE."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """`url` names the target as the Host header does. `scheme` is the word before the token, None if none was sent.
    `has_secret_headers` is whether a header beside Authorization carried a secret.
    `is_token_expired` is whether the token's own `exp` has passed. `most_accepted_bytes` is the largest body that this
    target accepted before, 0 for none. `age_seconds` is how long the upload took, from connecting to its end.
    `is_body_read` is whether the target took the whole body and closed the connection then.
    """

    url: URL
    scheme: str | None
    is_token_expired: bool
    body_bytes: int
    most_accepted_bytes: int
    age_seconds: float = 0.0
    is_body_read: bool = False
    has_secret_headers: bool = False

    @property
    def is_first_to_spill(self) -> bool:
        """Whether this is a body that Django does not keep in memory, and only those that it keeps were accepted."""
        return 0 < self.most_accepted_bytes <= DJANGO_IN_MEMORY_BYTES < self.body_bytes

    @property
    def is_first_of_its_size(self) -> bool:
        """Whether only much smaller bodies were accepted before."""
        return 0 < self.most_accepted_bytes <= self.body_bytes // 2
