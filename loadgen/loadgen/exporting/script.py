"""What scripts for other tools have in common: the test's facts, and how they are put into a script's text."""

import json
from importlib.resources import files
from typing import Any, Final

from loadgen.exporting.pool import script_rows
from loadgen.verification import FEW_ROWS
from loadtest_model.plan import Plan, Step

_FACTS: Final = "__TEST__"
_RECORDS: Final = "__RECORDS__"


def script_facts(plan: Plan) -> dict[str, Any]:
    """Everything about a plan that every script needs, ready for JSON; no token among it."""
    target = plan.target
    header, rows = script_rows(plan)
    return {
        "name": plan.name,
        "url": target.url,
        "headers": target.headers,
        "authScheme": target.auth_scheme,
        "fileField": target.file_field,
        "fileName": target.file_name,
        "fileType": "text/csv",
        "formFields": target.form_fields,
        "timeoutSeconds": target.timeout_seconds,
        "markerPath": target.marker_path,
        "countPath": target.count_path,
        "noncePath": target.nonce_path,
        "mustEcho": plan.require == "Echoed",
        "verification": [
            ["header-only", 0],
            ["canary", 1],
            ["few-rows", FEW_ROWS],
            ["full-batch", max(step.batch_size for step in plan.steps)],
        ],
        "steps": {step.name: _step(step) for step in plan.steps},
        "header": header,
        "rows": rows,
    }


def filled(template: str, facts: dict[str, Any]) -> str:
    """The text of a script of this package with the facts in their place."""
    here = files(__package__)
    text = (here / template).read_text("utf-8")
    text = text.replace(_RECORDS, (here / "records.js").read_text("utf-8").strip())
    return text.replace(_FACTS, _javascript(facts))


def _javascript(facts: dict[str, Any]) -> str:
    """Facts as an object literal, readable: a row of the pool takes a line."""
    pool = ",\n".join(json.dumps(row, ensure_ascii=False) for row in facts["rows"])
    others = json.dumps({name: value for name, value in facts.items() if name != "rows"}, ensure_ascii=False, indent=2)
    literal = f'{others.removesuffix("}").rstrip()},\n  "rows": [\n{pool}\n]}}'
    # These two end a line in a script, but not in JSON.
    return literal.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _step(step: Step) -> dict[str, Any]:
    return {
        "rows": step.batch_size,
        "lastRows": step.batch_size,
        "batches": None,
        "warmUpSeconds": step.warm_up_seconds,
        "thinkSeconds": step.think_time_seconds,
    }
