"""Rows for a script: some of the composer's, taken apart at the fields that a script fills in anew."""

import re
from typing import Final

from loadgen.exporting.bounds import NotExportableError
from loadgen.formats import CsvFormat
from loadgen.records import Composer, RecordSpace, load_pools
from loadtest_model.plan import Plan
from loadtest_model.plan.columns import columns_of

POOL_ROWS: Final = 500

_PHONE_END: Final = r"(?<=\+1-\d{3}-)\d{3}-\d{4}"


def script_rows(plan: Plan) -> tuple[str, list[list[str]]]:
    """The header line, and rows as texts with the kind of a unique field between each two of them.

    Kinds are `id`, `id_lower` (as it stands in an e-mail) and `phone` (its last seven digits). Raises
    NotExportableError if a field holds a line break.
    """
    records = plan.records
    space = RecordSpace(records.seed, records.run_tag)
    file_format = CsvFormat(columns_of(records.columns), records.dialect)
    batch = Composer(space, load_pools(), file_format.rendering, records).compose(POOL_ROWS)
    header, *lines = b"".join(batch.chunks()).decode().splitlines(keepends=True)
    if len(lines) != POOL_ROWS:
        raise NotExportableError(
            "spec.records.fields cannot be exported with a line break in a field; leave it out, or run the test with"
            " `loadgen run`"
        )
    return header, [_parts(line, client_id) for line, client_id in zip(lines, batch.client_ids(), strict=True)]


def _parts(line: str, client_id: str) -> list[str]:
    kinds = {client_id: "id", client_id.lower(): "id_lower"}
    unique = re.compile(f"({client_id}|{client_id.lower()}|{_PHONE_END})")
    return [kinds.get(part, "phone") if position % 2 else part for position, part in enumerate(unique.split(line))]
