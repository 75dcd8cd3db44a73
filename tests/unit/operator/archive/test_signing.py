"""The signature of requests: what it depends on. A real server checks it in tests/integration/test_archive.py."""

from datetime import UTC, datetime
from urllib.parse import quote

from loadtest_operator.archive.signing import Credentials, UnsignedRequest, signed_headers

KEY = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
AT = datetime(2013, 5, 24, tzinfo=UTC)


def test_a_credential_does_not_show_itself() -> None:
    assert "wJalr" not in repr(KEY)
    assert "wJalr" not in str([KEY])


def test_a_signature_changes_with_everything_that_is_signed() -> None:
    request = UnsignedRequest("PUT", "s3.example.com", f"/bucket/{quote('a b$', safe='/')}", b"content")
    at = datetime(2013, 5, 24, 0, 0, 1, tzinfo=UTC)
    others = [
        signed_headers(UnsignedRequest("POST", request.host, request.path, request.payload), KEY, "us-east-1", AT),
        signed_headers(UnsignedRequest("PUT", "other", request.path, request.payload), KEY, "us-east-1", AT),
        signed_headers(UnsignedRequest("PUT", request.host, "/", request.payload), KEY, "us-east-1", AT),
        signed_headers(UnsignedRequest("PUT", request.host, request.path, b""), KEY, "us-east-1", AT),
        signed_headers(request, Credentials("AKIAIOSFODNN7EXAMPLE", "x"), "us-east-1", AT),
        signed_headers(request, Credentials(KEY.access_key_id, KEY.secret_access_key, "t"), "us-east-1", AT),
        signed_headers(request, KEY, "eu-west-1", AT),
        signed_headers(request, KEY, "us-east-1", at),
    ]

    signatures = {headers["authorization"] for headers in [signed_headers(request, KEY, "us-east-1", AT), *others]}

    assert len(signatures) == 1 + len(others)
    assert all("wJalr" not in str(headers) for headers in others)
