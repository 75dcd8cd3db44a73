"""Proposed columns as YAML that a person reads and changes."""

import json
from collections.abc import Mapping

from loadgen.profiling.columns import ProposedColumns


def fields_text(columns: ProposedColumns, dialect: Mapping[str, str | bool], heading: str) -> str:
    """The `records` of a spec, with a comment for each field that its owner may have to change.

    Texts are those of JSON, which YAML takes as they are, so none is read as something else.
    """
    fields = columns.to_fields()
    lines = [*(f"# {line}" for line in heading.splitlines()), "records:", "  fields:"]
    lines.append(f"    only: {_inline(fields['only'])}")
    if "rename" in fields:
        lines.append(f"    rename: {_inline(fields['rename'])}")
    if columns.added:
        lines.append("    add:")
        for added in columns.added:
            lines += [f"      # {note}" for note in added.notes]
            lines.append(f"      - {_inline(added.field)}")
    lines.append(f"    order: {_inline(fields['order'])}")
    if dialect:
        lines += ["  dialect:", *(f"    {name}: {_inline(value)}" for name, value in dialect.items())]
    return "\n".join(lines) + "\n"


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {_inline(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return json.dumps(value, ensure_ascii=False)
