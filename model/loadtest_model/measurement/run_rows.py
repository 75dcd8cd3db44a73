"""How all rows of one run are found in the target: by the beginning that their ids have in common."""

from typing import Final

RUN_CHARACTERS: Final = 10
"""A client_id begins with so many characters of its run. What follows is scattered, so no range of ids is an upload."""


def run_rows_text(id_column: str, client_id: str) -> str:
    """What finds every row of a run, by the id of one of them or its beginning."""
    return f"{id_column} begins with {client_id[:RUN_CHARACTERS]} in every row of this run"


def run_rows_of(row_name: str, client_id: str) -> str:
    """What finds every row of a row's run; empty if the row is not named by its id, such as `sku_code 48H0RBGC...`."""
    id_column = row_name.removesuffix(f" {client_id}")
    return run_rows_text(id_column, client_id) if client_id and id_column != row_name else ""
