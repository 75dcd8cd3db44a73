"""From a table to the fields of records like its own."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

from loadgen.profiling.moments import propose_moment
from loadgen.profiling.people import propose_person
from loadgen.profiling.proposals import ColumnValues, Json, Proposal
from loadgen.profiling.quantities import propose_boolean, propose_number
from loadgen.profiling.tables import Table
from loadgen.profiling.texts import propose_choice, propose_pattern, propose_text

Confirm = Callable[[str, str], bool]
"""Asks the owner, by a column's name and a question that shows values, whether these may be written."""

_PROPOSERS: Final = (
    propose_boolean,
    propose_person,
    propose_moment,
    propose_number,
    propose_choice,
    propose_pattern,
)
"""The first that recognises a column decides."""


@dataclass(frozen=True, slots=True)
class AddedField:
    """A field of a spec, and what its owner may have to change in it."""

    field: Json
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposedColumns:
    """The columns of files like a table: which client columns they have, by which names, and what is added."""

    clients: dict[str, str]
    """The name in the file of each client column."""
    added: tuple[AddedField, ...]
    order: tuple[str, ...]

    def to_fields(self) -> Json:
        """The `fields` of a spec's records."""
        renamed = {source: name for source, name in self.clients.items() if source != name}
        return {
            "only": list(self.clients),
            **({"rename": renamed} if renamed else {}),
            **({"add": [added.field for added in self.added]} if self.added else {}),
            "order": list(self.order),
        }


def propose_columns(table: Table, confirm: Confirm, choices: Collection[str] = ()) -> ProposedColumns:
    """Fields like the columns of a table; `choices` are columns that their owner has called choices."""
    clients: dict[str, str] = {}
    added: list[AddedField] = []
    for name, texts in table.columns.items():
        values = ColumnValues(name, [text for text in texts if text], len(texts))
        proposal = propose(values, is_choice=name in choices)
        if proposal.confirmable is not None and confirm(name, proposal.confirmable.question):
            proposal = proposal.confirm()
        if proposal.client and not values.null_share and proposal.client not in clients:
            clients[proposal.client] = name
        else:
            added.append(AddedField(_field_of(values, proposal), proposal.notes))
    return ProposedColumns(clients, tuple(added), tuple(table.columns))


def propose(values: ColumnValues, *, is_choice: bool = False) -> Proposal:
    """What fills a column like this one."""
    if not values.filled:
        return Proposal({"kind": "constant", "value": ""}, notes=("empty in every row",))
    proposal = propose_choice(values, is_forced=True) if is_choice else None
    for proposer in _PROPOSERS:
        proposal = proposal or proposer(values)
    return proposal or propose_text(values)


def _field_of(values: ColumnValues, proposal: Proposal) -> Json:
    parameters = proposal.parameters
    if proposal.client:
        parameters = {"kind": "template", "template": f"{{{proposal.client}}}"}
    null_share = {"nullShare": values.null_share} if values.null_share else {}
    return {"name": values.name, **parameters, **null_share}
