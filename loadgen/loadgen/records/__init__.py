"""Synthetic client records of Canadian people, unique by construction and composed at the speed of memory."""

from loadgen.records.composer import Batch, Composer
from loadgen.records.faking import FieldRefusedError, refuse_unmakeable
from loadgen.records.marks import MARK_CHARACTERS
from loadgen.records.pieces import CHUNK_ROWS, FilePart
from loadgen.records.pools import Pools, load_pools
from loadgen.records.rendering import CsvRendering, Rendering
from loadgen.records.space import MAX_PODS, ROWS_PER_POD, RecordSpace
from loadtest_model.records.columns import CLIENT_COLUMNS, Column

__all__ = [
    "CHUNK_ROWS",
    "CLIENT_COLUMNS",
    "MARK_CHARACTERS",
    "MAX_PODS",
    "ROWS_PER_POD",
    "Batch",
    "Column",
    "Composer",
    "CsvRendering",
    "FieldRefusedError",
    "FilePart",
    "Pools",
    "RecordSpace",
    "Rendering",
    "load_pools",
    "refuse_unmakeable",
]
