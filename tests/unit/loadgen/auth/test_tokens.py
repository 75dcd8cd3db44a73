"""The token file, read again when it changes or on demand."""

import base64
import json
import os
from functools import partial
from pathlib import Path

import pytest

from loadgen.auth.secret_texts import TokenUnreadableError, secret_text
from loadgen.auth.tokens import HeldToken, expiry_of, parse_token, without_secret
from loadtest_model.plan import SecretPlace


def token_in(path: Path, scheme: str) -> HeldToken:
    """The token in a file."""
    return HeldToken(secret_text(SecretPlace(file=str(path)), {}, partial(parse_token, scheme=scheme), "token"), scheme)


async def test_the_header_is_scheme_and_token_without_the_file_s_line_end(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("s3cret\n")

    assert await token_in(path, "Token").authorization() == "Token s3cret"


async def test_a_replaced_file_is_read_again(tmp_path: Path) -> None:
    # As the kubelet does it: the path is a link that is moved to a new file.
    (tmp_path / "one").write_text("first")
    (tmp_path / "two").write_text("other")
    path = tmp_path / "token"
    path.symlink_to("one")
    token = token_in(path, "Bearer")
    assert await token.authorization() == "Bearer first"

    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(path)

    assert await token.authorization() == "Bearer other"


async def test_a_refused_token_is_read_again_though_the_file_looks_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    token = token_in(path, "Bearer")
    await token.authorization()
    before = path.stat()
    with path.open("r+") as file:
        file.write("other")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert await token.authorization() == "Bearer first"

    token.note_refusal("Bearer first")

    assert await token.authorization() == "Bearer other"


async def test_a_file_that_vanishes_leaves_the_token_that_was_read(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("first")
    token = token_in(path, "Bearer")
    await token.authorization()

    path.unlink()

    assert await token.authorization() == "Bearer first"


@pytest.mark.parametrize("content", [b"", b"\n", b"two\nlines", b"caf\xc3\xa9", b"\xff\xfe"])
async def test_a_file_without_a_usable_token_is_named_and_never_quoted(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)

    with pytest.raises(TokenUnreadableError, match=str(path)) as refusal:
        await token_in(path, "Bearer").authorization()

    assert "two" not in str(refusal.value)


@pytest.mark.parametrize("content", ["Bearer s3cret", "bearer s3cret", "Token s3cret", "ApiKey s3cret"])
async def test_a_token_that_brings_its_scheme_along_is_told_from_one_that_is_refused(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "token"
    path.write_text(content)

    with pytest.raises(TokenUnreadableError, match="it begins with the scheme") as refusal:
        await token_in(path, "ApiKey").authorization()

    assert "s3cret" not in str(refusal.value)


async def test_a_missing_file_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(TokenUnreadableError, match="No such file"):
        await token_in(tmp_path / "none", "Bearer").authorization()


def jwt(claims: object) -> str:
    """A JSON Web Token with these claims and a signature that nobody checks."""
    parts = ({"alg": "HS256"}, claims)
    return ".".join(
        [*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), "s"]
    )


@pytest.mark.parametrize(
    ("token", "expiry"),
    [
        (jwt({"exp": 1_800_000_000}), 1_800_000_000),
        (jwt({"exp": 1_800_000_000.5}), 1_800_000_000.5),
        (jwt({"sub": "me"}), None),
        (jwt({"exp": True}), None),
        (jwt({"exp": "soon"}), None),
        (jwt({"exp": 10**400}), None),
        (jwt([1]), None),
        ("opaque", None),
        ("a.b.c", None),
        ("a.!!.c", None),
    ],
)
def test_a_token_that_says_when_it_expires_is_believed(token: str, expiry: float | None) -> None:
    assert expiry_of(token) == expiry


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("you sent s3cr3t-and-long.", "you sent ***."),
        (
            "answered 400: you sent s3cr3t-an... (not a JSON object)",
            "answered 400: you sent ***... (not a JSON object)",
        ),
        ("answered 400: you sent s3c...", "answered 400: you sent ***..."),
        ("s3cr3t-and-long and again s3cr3t-and-lon...", "*** and again ***..."),
        ("s3cr3t is no secret", "s3cr3t is no secret"),
    ],
)
def test_a_secret_is_hidden_also_where_the_text_was_cut_off_within_it(text: str, shown: str) -> None:
    assert without_secret(text, "s3cr3t-and-long") == shown
