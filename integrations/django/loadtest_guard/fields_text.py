"""Columns as the YAML that `loadgen --fields` and a LoadTest's `records` take."""

import json
from collections.abc import Mapping, Sequence

from loadtest_guard.model_fields import ModelColumn


def fields_text(columns: Sequence[ModelColumn], heading: str) -> str:
    """The `records` of a test, with a comment for what has to be looked at.

    Texts are those of JSON, which YAML takes as they are.
    """
    clients: dict[str, str] = {}
    added: list[ModelColumn] = []
    for column in columns:
        # Only a column that is added has a line of its own, for its notes and for what they ask to add.
        if column.client and not column.notes and column.client not in clients:
            clients[column.client] = column.name
        else:
            added.append(column)
    renamed = {client: name for client, name in clients.items() if client != name}
    lines = [*(f"# {line}" for line in heading.splitlines()), "records:", "  fields:"]
    lines.append(f"    only: {_inline(list(clients))}")
    if renamed:
        lines.append(f"    rename: {_inline(renamed)}")
    if added:
        lines.append("    add:")
        for column in added:
            lines += [f"      # {note}" for note in column.notes]
            lines.append(f"      - {_inline({'name': column.name, **column.parameters})}")
    lines.append(f"    order: {_inline([column.name for column in columns])}")
    return "\n".join(lines) + "\n"


def _inline(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{name}: {_inline(item)}' for name, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    return json.dumps(value, ensure_ascii=False)
