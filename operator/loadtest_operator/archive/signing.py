"""The signature of a request to an S3-compatible server (AWS Signature Version 4), for requests without a query.

The steps are those of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, repr=False)
class Credentials:
    """An access key; a session token belongs to one that is temporary. It does not show itself in texts."""

    access_key_id: str
    secret_access_key: str
    session_token: str = ""


@dataclass(frozen=True)
class UnsignedRequest:
    """A request without a query. `path` is percent-encoded, and `host` has the port if the URL has one."""

    method: str
    host: str
    path: str
    payload: bytes


def signed_headers(unsigned: UnsignedRequest, credentials: Credentials, region: str, at: datetime) -> dict[str, str]:
    """The headers of a request with its signature. `at` is in UTC."""
    timestamp, digest = at.strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(unsigned.payload).hexdigest()
    headers = {"host": unsigned.host, "x-amz-content-sha256": digest, "x-amz-date": timestamp}
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(headers))
    request = "\n".join([unsigned.method, unsigned.path, "", *_lines(headers), "", names, digest])
    scope = f"{timestamp[:8]}/{region}/s3/aws4_request"
    to_sign = "\n".join([_ALGORITHM, timestamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{credentials.secret_access_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.new(key, to_sign.encode(), "sha256").hexdigest()
    authorization = (
        f"{_ALGORITHM} Credential={credentials.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return {**headers, "authorization": authorization}


def _lines(headers: Mapping[str, str]) -> list[str]:
    return [f"{name}:{headers[name]}" for name in sorted(headers)]
