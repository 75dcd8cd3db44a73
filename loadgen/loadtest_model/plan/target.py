"""The target as the pods see it."""

from urllib.parse import urlsplit

from loadtest_model.plan.errors import PlanError
from loadtest_model.spec.target import Format, Target
from loadtest_model.values import WireValue, seconds_of


class TargetPlan(WireValue, frozen=True, kw_only=True):
    """Where and how uploads are sent.

    `addresses` are `ip:port` pairs that stand for the URL's host (a Service's endpoints); where there are none,
    the host's name is resolved in the pod. `token_file` holds the token, if the target needs one.
    """

    url: str
    addresses: tuple[str, ...]
    headers: dict[str, str]
    auth_scheme: str
    token_file: str | None
    file_field: str
    file_name: str
    form_fields: dict[str, str]
    format: Format
    timeout_seconds: float
    marker_path: str
    count_path: str
    nonce_path: str


def compile_target(target: Target, addresses: tuple[str, ...], token_file: str | None) -> TargetPlan:
    """The target of a spec. Raises PlanError for a URL that is none."""
    return TargetPlan(
        url=_checked_url(target.url),
        addresses=addresses,
        headers=target.headers,
        auth_scheme=target.auth.scheme if target.auth else "Bearer",
        token_file=token_file,
        file_field=target.file_field,
        file_name=target.file_name or f"clients-{{n}}.{target.format}",
        form_fields=target.form_fields,
        format=target.format,
        timeout_seconds=seconds_of(target.timeout),
        marker_path=target.response.marker,
        count_path=target.response.count,
        nonce_path=target.response.nonce,
    )


def _checked_url(url: str) -> str:
    try:
        port = urlsplit(url).port
    except ValueError as error:
        raise PlanError("InvalidURL", f"spec.target.url is {url}, which is no URL: {error}") from error
    if port == 0:
        raise PlanError("InvalidURL", f"spec.target.url is {url}; a port lies between 1 and 65535")
    return url
