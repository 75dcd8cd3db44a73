"""What people read of an error of TLS."""

import ssl
from pathlib import Path

import pytest

from loadgen.http.tls import TlsUnusableError, tls_context, tls_failure
from loadtest_model.plan.target import TlsPlan

PLACE = "(/home/builder/python/Modules/_ssl.c:1006)"


def test_a_failure_without_a_name_leaves_out_where_python_raised_it() -> None:
    error = ssl.SSLError(1, f"[SSL] odd thing {PLACE}")
    error.reason = None  # type: ignore[assignment]

    assert tls_failure(error) == "TLS: the handshake failed (odd thing)"


def test_an_unusable_file_is_named_without_the_place_in_pythons_own_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_context: ssl.SSLContext, cafile: str) -> None:
        raise ssl.SSLError(0, f"no start line: {cafile} {PLACE}")

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", fail)

    with pytest.raises(TlsUnusableError, match=r"ca\.crt$"):
        tls_context(TlsPlan(ca_file=str(tmp_path / "ca.crt")))
