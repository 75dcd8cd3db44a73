"""What the parts of a spec are made of: bounded texts, references, and CEL rules."""

from typing import Annotated, Any, Final

from msgspec import Meta

from loadtest_model.values import Value

Name = Annotated[str, Meta(min_length=1, max_length=253)]
Path = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$", max_length=128)]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$", max_length=128)]
HeaderValue = Annotated[str, Meta(pattern=r"^[\x20-\x7e]*$", max_length=1024)]
FORM_NAME_PATTERN: Final = r'^[^"\x00-\x1f\x7f]+$'
FormName = Annotated[str, Meta(min_length=1, max_length=128, pattern=FORM_NAME_PATTERN)]
FormText = Annotated[str, Meta(max_length=1024)]
Quantity = Annotated[int | str, Meta(extra_json_schema={"x-kubernetes-int-or-string": True})]


def rule(expression: str, message: str, field_path: str | None = None) -> dict[str, str]:
    """One CEL rule of the schema, as the API server reads it."""
    made = {"rule": expression, "message": message}
    return made if field_path is None else {**made, "fieldPath": field_path}


def rules(*made: dict[str, str]) -> dict[str, Any]:
    return {"x-kubernetes-validations": list(made)}


class SecretKey(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of a Secret in the namespace of the LoadTest.")]
    key: Annotated[Name, Meta(description="Key within the Secret's data.")] = "token"


class LocalReference(Value, frozen=True, kw_only=True):
    name: Annotated[Name, Meta(description="Name of an object in the namespace of the LoadTest.")]


def url_rules(path: str, example: str) -> dict[str, Any]:
    """What a URL that is connected to must be. Credentials in it would stand in the resource for all to read."""
    return rules(
        rule(
            "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",
            f"{path} must be an http or https URL with a host, such as {example}",
        ),
        rule(
            "!isURL(self) || url(self).getPort() == '' || (size(url(self).getPort()) < 6"
            " && int(url(self).getPort()) > 0 && int(url(self).getPort()) < 65536)",
            f"{path} must have a port between 1 and 65535, or none",
        ),
        rule(
            "!self.contains('@') && !self.contains('#') && !self.contains(' ')",
            f"{path} must not contain credentials (@), a fragment (#) or a space;"
            " put a token into a Secret and name it in spec.target.auth",
        ),
    )
