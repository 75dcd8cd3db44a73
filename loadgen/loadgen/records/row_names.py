"""How a row is named to somebody who has to find it in the target: by what is its own in a column of the file."""

from collections.abc import Sequence
from typing import Final

from loadgen.records.rendering import Rendering
from loadtest_model.plan.columns import ColumnPlan
from loadtest_model.quantities import clip

_LONGEST_CONTENT: Final = 300
_OWN_CLIENT_COLUMNS: Final = ("client_id", "email")
"""The client's columns whose values no other row has; a row may have no e-mail address."""


class RowNames:
    """Names rows of a file by their client_id, else by a field that is unique, else by their content.

    `look_up_column` is the column that a read-back looks rows up by, empty for that of the client_id.
    """

    def __init__(self, columns: Sequence[ColumnPlan], rendering: Rendering, look_up_column: str = "") -> None:
        self._columns = tuple(columns)
        self._rendering = rendering
        self.look_up_column = look_up_column
        own_columns = [
            index
            for source in _OWN_CLIENT_COLUMNS
            for index, column in enumerate(columns)
            if column.kind == "client" and column.source == source
        ]
        unique_fields = [index for index, column in enumerate(columns) if column.has_unique_values]
        # An e-mail address may be absent, so a unique field names a row more surely.
        self._candidates = sorted(own_columns + unique_fields, key=self._rank)

    def name(self, row: bytes) -> str:
        """A rendered row's name, such as `client_id 48H0RBGCV500EB0G5VNF`."""
        fields = self._rendering.fields(row)
        for index in self._candidates:
            if fields[index]:
                return f"{self._columns[index].name} {fields[index]}"
        return f"content {clip(', '.join(fields), _LONGEST_CONTENT)}"

    def look_up_field(self, row: bytes) -> str:
        """A rendered row's field in the column of the look-up."""
        place = [column.name for column in self._columns].index(self.look_up_column)
        return self._rendering.fields(row)[place]

    def _rank(self, index: int) -> int:
        column = self._columns[index]
        return 0 if column.source == "client_id" else 1 if column.has_unique_values else 2
