"""A plan without what must not be written down: values of headers and form fields, and of a URL's query."""

from typing import Final

from msgspec import structs
from yarl import URL

from loadtest_model.plan import Plan

HIDDEN: Final = "***"


def public_plan(plan: Plan) -> Plan:
    """The plan as it may stand in a file that is passed on; tokens are in no plan to begin with."""
    target = structs.replace(
        plan.target,
        url=public_url(plan.target.url),
        headers=dict.fromkeys(plan.target.headers, HIDDEN),
        form_fields=dict.fromkeys(plan.target.form_fields, HIDDEN),
    )
    return structs.replace(plan, target=target, command_digests={})


def public_url(url: str) -> str:
    """A URL whose query tells its names only."""
    parsed = URL(url)
    if not parsed.query:
        return url
    return f"{parsed.with_query(None)}?{'&'.join(f'{name}={HIDDEN}' for name in parsed.query)}"
