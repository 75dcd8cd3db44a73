"""How uploads are authenticated: by a token that is given, or by one that a login gives."""

from enum import StrEnum
from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.spec.parts import FORM_NAME_PATTERN, DottedPath, Name, SecretKey, url_rules
from loadtest_model.spec.rules import Rule
from loadtest_model.values import Value


class LoginSecret(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of a Secret in the namespace of the LoadTest.")]
    username_key: Annotated[Name, Meta(description="Key of the user's name within the Secret's data.")] = "username"
    password_key: Annotated[Name, Meta(description="Key of the password within the Secret's data.")] = "password"  # noqa: S105 - a key's name


class LoginFormat(StrEnum):
    """How name and password are sent."""

    JSON = "json"
    FORM = "form"


class Login(Value, frozen=True, kw_only=True):
    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            description="Where name and password are posted: http or https, under the same address policy as the"
            " target. Redirects are not followed.",
        ),
        url_rules("spec.target.auth.login.url", "http://django.shop.svc:8000/api/token/"),
    ]
    secret_ref: Annotated[LoginSecret, Meta(description="Where name and password are kept; mounted as files.")]
    username_field: Annotated[
        str, Meta(min_length=1, max_length=128, pattern=FORM_NAME_PATTERN, description="Field of the user's name.")
    ] = "username"
    password_field: Annotated[
        str, Meta(min_length=1, max_length=128, pattern=FORM_NAME_PATTERN, description="Field of the password.")
    ] = "password"  # noqa: S105 - a field's name
    format: Annotated[LoginFormat, Meta(description="How the fields are sent: a JSON object, or an HTML form.")] = (
        LoginFormat.JSON
    )
    token_path: Annotated[
        DottedPath, Meta(description="Dotted path of the token in the answer; simplejwt says access, DRF token.")
    ] = "access"  # noqa: S105 - a member's name
    expires_in_path: (
        Annotated[
            DottedPath,
            Meta(
                description="Dotted path of the token's lifetime in seconds in the answer. Default: the token's own"
                " exp, where it is a JWT; a token that says nothing is renewed on a 401 only."
            ),
        ]
        | None
    ) = None


class Auth(Value, frozen=True, kw_only=True):
    secret_key_ref: Annotated[
        SecretKey | None,
        Meta(description="Where the token is kept. Mounted as a file, and read again when that changes and on a 401."),
    ] = None
    login: Annotated[
        Login | None,
        Meta(
            description="How each pod gets a token of its own: it logs in before the verification, again before"
            " the token expires, and once more on a 401. An upload that got the 401 is counted, not repeated."
        ),
    ] = None
    scheme: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z][A-Za-z0-9-]*\Z",
            max_length=32,
            description="Word before the token in the Authorization header: Bearer, or Token for DRF.",
        ),
    ] = "Bearer"


ONE_TOKEN_SOURCE: Final = Rule[Auth](
    cel="has(self.secretKeyRef) != has(self.login)",
    message="spec.target.auth needs exactly one of secretKeyRef (a token) and login (a name and a password)",
    holds=lambda auth: (auth.secret_key_ref is None) != (auth.login is None),
)
