"""What the parts of a spec are made of: bounded texts, references, URLs and header names."""

from typing import Annotated, Final

from msgspec import Meta

from loadtest_model.spec.rules import Rule, cel_text, with_rules
from loadtest_model.urls import NEVER_IN_A_URL, URL_PATTERN, has_possible_port, is_url
from loadtest_model.values import Value

Name = Annotated[str, Meta(min_length=1, max_length=253)]
Path = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*\Z", max_length=128)]
# Names of headers and form fields are keys of maps, of which only a rule can say what they must be.
HEADER_NAME_PATTERN: Final = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}\Z"
HeaderValue = Annotated[str, Meta(pattern=r"^[\x20-\x7e]*\Z", max_length=1024)]
FORM_NAME_PATTERN: Final = r'^[^"\x00-\x1f\x7f]+\Z'
FormText = Annotated[str, Meta(max_length=1024)]
Quantity = Annotated[int | str, Meta(extra_json_schema={"x-kubernetes-int-or-string": True})]


class SecretKey(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of a Secret in the namespace of the LoadTest.")]
    key: Annotated[Name, Meta(description="Key within the Secret's data.")] = "token"


class LocalReference(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of an object in the namespace of the LoadTest.")]


def url_rules(path: str, example: str) -> Meta:
    """What a URL that is connected to must be. Credentials in it would stand in the resource for all to read."""
    well_formed = f"isURL(self) && self.matches({cel_text(URL_PATTERN)})"
    port = "url(self).getPort()"
    return with_rules(
        Rule(
            cel=f"self.matches('[{NEVER_IN_A_URL}]') || ({well_formed})",
            message=f"{path} must be an http or https URL with a host (a name in ASCII or an IP address), such as"
            f" {example}",
            holds=lambda url: _is_refused_otherwise(url) or is_url(url),
            reason="InvalidURL",
        ),
        Rule(
            cel=f"!({well_formed}) || {port} == '' || (size({port}) < 6 && int({port}) > 0 && int({port}) < 65536)",
            message=f"{path} must have a port between 1 and 65535, or none",
            holds=has_possible_port,
            reason="InvalidURL",
        ),
        Rule(
            cel="!self.contains('@') && !self.contains('#') && !self.contains(' ')",
            message=f"{path} must not contain credentials (@), a fragment (#) or a space;"
            " put a token into a Secret and name it in spec.target.auth",
            holds=lambda url: not _is_refused_otherwise(url),
            reason="InvalidURL",
        ),
    )


def _is_refused_otherwise(url: str) -> bool:
    return any(character in url for character in NEVER_IN_A_URL)
