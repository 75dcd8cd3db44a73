"""What scripts for other tools have in common: the test's facts, and how they are put into a script's text."""

import json
from importlib.resources import files
from typing import Any, Final

from loadgen.exporting.bounds import NotExportableError
from loadgen.exporting.pool import script_rows
from loadgen.http.endpoints import site_of
from loadgen.proof.verification import SMALL_CHECKS
from loadtest_model.load.arrivals import ArrivalProcess, expected_arrivals
from loadtest_model.plan import Plan, Step
from loadtest_model.plan.target import TlsPlan
from loadtest_model.records.phone_space import Contact
from loadtest_model.spec.records import Encoding
from loadtest_model.spec.target import ExpectCount, Format
from loadtest_model.spec.verification import Requirement

_FACTS: Final = "__TEST__"
_RECORDS: Final = "__RECORDS__"


def script_facts(plan: Plan) -> dict[str, Any]:
    """Everything about a plan that every script needs, ready for JSON; no token among it.

    Raises NotExportableError for what only our own generator does.
    """
    target = plan.target
    _check_exportable(plan)
    header, rows = script_rows(plan)
    return {
        "name": plan.name,
        "url": target.url,
        "headers": {**target.headers, **({"Host": target.host} if target.host else {})},
        "authScheme": target.auth_scheme,
        "fileField": target.file_field,
        "fileName": target.file_name,
        "fileType": "text/csv",
        "formFields": target.form_fields,
        "timeoutSeconds": target.timeout_seconds,
        "markerPath": target.marker_path,
        "countPath": target.count_path,
        "noncePath": target.nonce_path,
        "mustEcho": plan.require == Requirement.ECHOED,
        "isNamed": site_of(target.url).literal_endpoint is None,
        "verification": SMALL_CHECKS,
        "fullRows": max(step.batch_size for step in plan.steps),
        "steps": {step.name: _step(step) for step in plan.steps},
        "idColumn": next(column.name for column in plan.records.columns if column.source == "client_id"),
        "header": header,
        "rows": rows,
    }


def _check_exportable(plan: Plan) -> None:
    target = plan.target
    unsupported_parts = {
        f"spec.target.format: {target.format}": target.format != Format.CSV,
        "spec.target.auth.login": target.login is not None,
        "spec.target.headersFrom": bool(target.secret_headers),
        "spec.target.tracing": target.trace_sample_ratio is not None,
        "spec.target.tls": target.tls != TlsPlan(),
        "spec.load.arrivals: poisson": any(
            step.arrivals and step.arrivals.process == ArrivalProcess.POISSON for step in plan.steps
        ),
        "spec.scenario: capacity": any(step.climb is not None for step in plan.steps),
        "spec.verification.require: Proven": plan.require == Requirement.PROVEN,
        "spec.verification.readBack": plan.read_back is not None,
        "spec.abort": plan.abort is not None,
        "spec.target.response.expectCount": target.expect_count != ExpectCount.SENT,
        "spec.records.contact: reserved": plan.records.contact == Contact.RESERVED,
        "spec.records.invalid": plan.records.invalid is not None,
        "spec.records.dialect.encoding: cp1252": plan.records.dialect.encoding != Encoding.UTF_8,
        "spec.records.fields without client_id": all(column.source != "client_id" for column in plan.records.columns),
        "spec.records.fields of kind unique": any(column.kind == "unique" for column in plan.records.columns),
        "spec.records.fields of kind pattern with unique: true": any(
            column.kind == "pattern" and column.is_unique for column in plan.records.columns
        ),
    }
    used_parts = [name for name, is_used in unsupported_parts.items() if is_used]
    if used_parts:
        raise NotExportableError(
            f"{', '.join(used_parts)} cannot be exported: scripts send CSV, with a token from AUTH_TOKEN, over the"
            " system's TLS; leave it out, or run the test with `loadgen run`"
        )


def fill_template(template: str, facts: dict[str, Any]) -> str:
    """The text of a script of this package with the facts in their place."""
    package_files = files(__package__)
    text = (package_files / template).read_text("utf-8")
    text = text.replace(_RECORDS, (package_files / "records.js").read_text("utf-8").strip())
    return text.replace(_FACTS, _javascript(facts))


def _javascript(facts: dict[str, Any]) -> str:
    """Facts as an object literal, readable: a row of the pool takes a line."""
    pool = ",\n".join(json.dumps(row, ensure_ascii=False) for row in facts["rows"])
    others = json.dumps({name: value for name, value in facts.items() if name != "rows"}, ensure_ascii=False, indent=2)
    literal = f'{others.removesuffix("}").rstrip()},\n  "rows": [\n{pool}\n]}}'
    # These two end a line in a script, but not in JSON.
    return literal.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _step(step: Step) -> dict[str, Any]:
    batches = step.uploads
    arrivals = step.arrivals
    return {
        "rows": step.batch_size,
        "batches": batches,
        "lastRows": step.batch_size if batches is None else (step.records or 0) - (batches - 1) * step.batch_size,
        "rates": [[rate.duration_seconds, rate.first_per_second, rate.last_per_second] for rate in arrivals.rates]
        if arrivals
        else None,
        "arrivals": expected_arrivals(arrivals.rates) if arrivals else None,
        "maxLatenessSeconds": arrivals.max_lateness_seconds if arrivals else step.duration_seconds,
        "warmUpSeconds": step.warm_up_seconds,
        "thinkSeconds": step.think_time_seconds,
    }
