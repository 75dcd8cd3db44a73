"""Makes the rows of a run's files: people, the fields that users add, and what is wrong on purpose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from loadgen.records import fields
from loadgen.records.dates import DateTexts
from loadgen.records.faking import FakedValues, Fakers
from loadgen.records.fields import Maker, Slice
from loadgen.records.marks import CLIENT_MARK, EMAIL_MARK, FREE_CHARACTERS, HOUSE_MARK, PHONE_MARK, Slot
from loadgen.records.people import People
from loadgen.records.pools import Pools
from loadgen.records.sources import CLIENT_CODE, EMAIL_CODE, HOUSE, LowDigits, PhoneEnd, Source, unique_code
from loadgen.records.space import RecordSpace
from loadgen.records.spoiling import Spoiler
from loadgen.records.template import Drawn
from loadgen.records.words import Words
from loadtest_model.plan.columns import MOST_VARYING_FIELDS, ColumnPlan, TemplatePart, varying_field_count
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.records.columns import CLIENT_COLUMNS

_PEOPLE_STREAM: Final = 2
_WRONG_PEOPLE_STREAM: Final = 4
_FIELD_STREAM: Final = 5

_NAMES: Final = tuple(column.name for column in CLIENT_COLUMNS)


@dataclass(frozen=True, slots=True)
class _Made:
    """A column: what makes its texts, and the slots in them in the order of their marks."""

    maker: Maker
    slots: tuple[Slot, ...] = ()


class RowMaker:
    """A stream of rows, right ones or wrong ones; plan, pools and space fix it.

    Raises FieldRefusedError for a field whose values cannot be made.
    """

    def __init__(self, plan: RecordsPlan, space: RecordSpace, pools: Pools, *, wrong: bool = False) -> None:
        stream = _WRONG_PEOPLE_STREAM if wrong else _PEOPLE_STREAM
        dates = DateTexts(plan.dialect.date_format, plan.dialect.date_time_format)
        self._people = People(pools, Words(space.seed, stream, space.pod_index), space.prefix, plan.locale, dates)
        self._plans = plan.columns
        columns = _Columns(plan, space, dates, wrong=wrong)
        self._faked = columns.faked
        self._turn = 0
        self._makers = {name: made.maker for name, made in columns.made.items()}
        self._spoiler = _spoiler(plan) if wrong else None
        self.slots = tuple(
            replace(slot, may_be_absent=True) if wrong else slot
            for each in plan.columns
            for slot in columns.of(each.name).slots
        )
        """What is written anew in every row; all of it may be absent from wrong ones."""

    def draw(self, count: int) -> Drawn:
        """The next `count` rows."""
        people = self._people.draw(count)
        clients = dict(zip(_NAMES, people.columns, strict=True))
        duplicated = self._spoiler.spoil(clients, count) if self._spoiler is not None else None
        if self._faked:
            # One field at a time, so that rendering takes as long however many there are.
            self._faked[self._turn % len(self._faked)].renew()
            self._turn += 1
        made: dict[str, Sequence[str]] = {}
        rows = Slice(count, people.french, clients, made)
        for name, maker in self._makers.items():
            made[name] = maker(rows)
        columns = tuple(clients[plan.source] if plan.kind == "client" else made[plan.name] for plan in self._plans)
        return Drawn(columns, people.area_indices, duplicated)


def _spoiler(plan: RecordsPlan) -> Spoiler | None:
    if plan.invalid is None:
        return None
    return Spoiler(plan.invalid.kinds, {column.source for column in plan.columns if column.kind == "client"})


class _Columns:
    """The columns that are added, each after those that it needs, and the slots of all."""

    def __init__(self, plan: RecordsPlan, space: RecordSpace, dates: DateTexts, *, wrong: bool) -> None:
        self._plans = {column.name: column for column in plan.columns}
        self._space = space
        self._dates = dates
        self._wrong = wrong
        self._free = iter(FREE_CHARACTERS)
        self._fakers = Fakers(plan.locale)
        self._varying = _varying_numbers(plan.columns)
        self._clients: Mapping[str, tuple[Slot, ...]] = {
            "client_id": (Slot(CLIENT_MARK[0], CLIENT_CODE),),
            "email": (Slot(EMAIL_MARK[0], EMAIL_CODE),),
            "phone": (Slot(PHONE_MARK[0], PhoneEnd(plan.contact)),),
            "address": (Slot(HOUSE_MARK[0], HOUSE),),
        }
        self.faked: list[FakedValues] = []
        self.made: dict[str, _Made] = {}
        for index, column in enumerate(plan.columns):
            self._make(index, column)

    def of(self, name: str) -> _Made:
        plan = self._plans[name]
        return self._client(plan.source) if plan.kind == "client" else self.made[name]

    def _client(self, source: str) -> _Made:
        return _Made(fields.client_column(source), self._clients.get(source, ()))

    def _make(self, index: int, plan: ColumnPlan) -> None:
        if plan.kind == "client" or plan.name in self.made:
            return
        words = Words(self._space.seed, _FIELD_STREAM, self._space.pod_index, index, int(self._wrong))
        made = self._of_kind(index, plan, words)
        if plan.null_millionths:
            slots = tuple(replace(slot, may_be_absent=True) for slot in made.slots)
            made = _Made(fields.with_nulls(made.maker, words, plan.null_millionths), slots)
        self.made[plan.name] = made

    def _of_kind(self, index: int, plan: ColumnPlan, words: Words) -> _Made:
        match plan.kind:
            case "unique":
                slot = self._slot(unique_code(self._space.seed, index, plan.width, digits=plan.digits))
                return _Made(fields.unique(plan, slot.mark), (slot,))
            case "integer" | "decimal" if plan.name in self._varying:
                slot = self._slot(LowDigits(fields.marked_digits(plan), index), may_be_absent=True)
                return _Made(fields.numbers(plan, words, slot.mark), (slot,))
            case "template":
                return self._template(plan)
            case _:
                return _Made(self._without_marks(plan, words))

    def _without_marks(self, plan: ColumnPlan, words: Words) -> Maker:
        match plan.kind:
            case "choice":
                return fields.choice(plan, words)
            case "integer" | "decimal":
                return fields.numbers(plan, words)
            case "date" | "datetime":
                return fields.moments(plan, words, self._dates)
            case "faker":
                values = FakedValues(plan, self._fakers, words)
                self.faked.append(values)
                return fields.faked(values)
            case _:
                return fields.constant(plan)

    def _slot(self, source: Source, *, may_be_absent: bool = False) -> Slot:
        return Slot(next(self._free), source, may_be_absent)

    def _template(self, plan: ColumnPlan) -> _Made:
        parts = []
        slots: list[Slot] = []
        for part in plan.parts:
            made = self._part(part)
            own = [self._converted(slot, part) for slot in made.slots]
            marks = {ord(old.character): new.character for old, new in zip(made.slots, own, strict=True)}
            parts.append((made.maker, part.conversion, marks))
            slots += own
        return _Made(fields.template(parts), tuple(slots))

    def _part(self, part: TemplatePart) -> _Made:
        if part.client:
            return self._client(part.client)
        if part.column:
            index = list(self._plans).index(part.column)
            self._make(index, self._plans[part.column])
            return _Made(fields.made_column(part.column), self.made[part.column].slots)
        return _Made(fields.constant(ColumnPlan(name="", kind="constant", text=part.text)))

    def _converted(self, slot: Slot, part: TemplatePart) -> Slot:
        source = slot.source.in_letters(part.conversion != "upper") if part.conversion else slot.source
        return self._slot(source, may_be_absent=slot.may_be_absent)


def _varying_numbers(plans: Sequence[ColumnPlan]) -> frozenset[str]:
    """The columns of numbers that differ in every row: as many as there are marks for, the first ones first."""
    chosen: frozenset[str] = frozenset()
    for plan in plans:
        if plan.kind in ("integer", "decimal") and fields.marked_digits(plan):
            more = chosen | {plan.name}
            if varying_field_count(plans, more) <= MOST_VARYING_FIELDS:
                chosen = more
    return chosen
