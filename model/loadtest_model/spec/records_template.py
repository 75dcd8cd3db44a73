"""The columns of records in a text of their own, as `loadgen fields` writes it."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import structs

from loadtest_model.spec import Spec
from loadtest_model.spec.records import Dialect, Fields, Records
from loadtest_model.values import Value

Json = dict[str, Any]

MOST_CHARACTERS: Final = 65_536
"""What a plan can hold of records, so a longer text could not be used."""
_PARTS: Final = ("fields", "dialect")
"""What a template says of records. What is the run's own, such as the seed, stands in the spec."""


class RecordsTemplate(Value, frozen=True, kw_only=True):
    """Columns and dialect that a spec takes over where it has none of its own."""

    fields: Fields | None = None
    dialect: Dialect | None = None

    def complete(self, spec: Spec) -> Spec:
        """The spec with this in place of its reference to a template."""
        records = spec.records
        standard = Records()
        if self.fields is not None and records.fields == standard.fields:
            records = structs.replace(records, fields=self.fields)
        if self.dialect is not None and records.dialect == standard.dialect:
            records = structs.replace(records, dialect=self.dialect)
        return structs.replace(spec, records=structs.replace(records, template=None))


def template_parts(text: str) -> Mapping[str, Json]:
    """The parts of records in a text, by their names. Raises ValueError, which quotes nothing of the text."""
    from loadtest_model.spec.yaml_documents import documents_in  # noqa: PLC0415 - see there

    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read")
    try:
        documents = documents_in(text, takes_aliases=False)
    except ValueError as error:
        raise ValueError("is not YAML, or has an alias in it") from error
    document = documents[0] if len(documents) == 1 else None
    records = document.get("records") if isinstance(document, dict) and set(document) == {"records"} else None
    if not isinstance(records, dict) or not records:
        raise ValueError("must hold `records:` alone, as `loadgen fields` writes it")
    if not all(name in _PARTS and isinstance(part, dict) for name, part in records.items()):
        raise ValueError(f"may have nothing in `records:` but {' and '.join(_PARTS)}")
    return records


def read_template(text: str) -> RecordsTemplate:
    """The template in a text. Raises ValueError, with the path of what is wrong."""
    try:
        return msgspec.convert(template_parts(text), RecordsTemplate)
    except msgspec.ValidationError as error:
        raise ValueError(f"cannot be read: {error}") from error
