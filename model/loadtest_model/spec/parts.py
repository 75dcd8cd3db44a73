"""What the parts of a spec are made of: bounded texts, references, URLs and header names."""

from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.reasons import Reason
from loadtest_model.spec.rules import Rule, cel_string, rule_annotation
from loadtest_model.urls import FORBIDDEN_CHARACTERS, URL_PATTERN, has_valid_port, is_url
from loadtest_model.values import Value

Name = Annotated[str, Meta(min_length=1, max_length=253)]
DottedPath = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\Z", max_length=128)]
# A Kubernetes schema cannot constrain the keys of a map, so a rule checks the names of headers and form fields.
HEADER_NAME_PATTERN: Final = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}\Z"
HeaderValue = Annotated[str, Meta(pattern=r"^[\x20-\x7e]*\Z", max_length=1024)]
FORM_NAME_PATTERN: Final = r'^[^"\x00-\x1f\x7f]+\Z'
FormText = Annotated[str, Meta(max_length=1024)]


class SecretKey(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of a Secret in the namespace of the LoadTest.")]
    key: Annotated[Name, Meta(description="Key within the Secret's data.")] = "token"


class LocalReference(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of an object in the namespace of the LoadTest.")]


def url_rules(path: str, example: str) -> Meta:
    """The rules for a URL that pods connect to.

    Credentials are refused because everybody who may read the resource could read them.
    """
    well_formed = f"isURL(self) && self.matches({cel_string(URL_PATTERN)})"
    port = "url(self).getPort()"
    return rule_annotation(
        Rule(
            cel=f"self.matches('[{FORBIDDEN_CHARACTERS}]') || ({well_formed})",
            message=f"{path} must be an http or https URL with a host (a name in ASCII or an IP address), such as"
            f" {example}",
            holds=lambda url: _has_forbidden_character(url) or is_url(url),
            reason=Reason.InvalidURL,
        ),
        Rule(
            cel=f"!({well_formed}) || {port} == '' || (size({port}) < 6 && int({port}) > 0 && int({port}) < 65536)",
            message=f"{path} must have a port between 1 and 65535, or none",
            holds=has_valid_port,
            reason=Reason.InvalidURL,
        ),
        Rule(
            cel="!self.contains('@') && !self.contains('#') && !self.contains(' ')",
            message=f"{path} must not contain credentials (@), a fragment (#) or a space;"
            " put a token into a Secret and name it in spec.target.auth",
            holds=lambda url: not _has_forbidden_character(url),
            reason=Reason.InvalidURL,
        ),
    )


def _has_forbidden_character(url: str) -> bool:
    return any(character in url for character in FORBIDDEN_CHARACTERS)
