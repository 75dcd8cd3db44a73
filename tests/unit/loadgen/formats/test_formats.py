"""The seam between batches and the files they are uploaded as."""

import pytest

from loadgen.formats import file_format
from loadgen.records import Composer, RecordSpace, load_pools


async def test_a_csv_file_is_the_composed_batch() -> None:
    csv = file_format("csv")
    batch = Composer(RecordSpace(1, 1), load_pools(), csv.rendering).compose(3_000)

    body = await csv.encode(batch)

    assert (csv.name, csv.content_type) == ("csv", "text/csv")
    assert sum(len(chunk) for chunk in body.chunks()) == body.content_length == batch.content_length


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'pdf'.*csv"):
        file_format("pdf")
