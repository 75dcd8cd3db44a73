"""Makes the rows of a run's files: people, the fields that users add, and what is wrong on purpose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from loadgen.records import fields
from loadgen.records.dates import DateTexts
from loadgen.records.faking import FakedValues, Fakers
from loadgen.records.fields import RowSlice, TextMaker
from loadgen.records.marks import CLIENT_MARK, EMAIL_MARK, FREE_CHARACTERS, HOUSE_MARK, PHONE_MARK, Slot
from loadgen.records.patterns import NumberDigits, pattern
from loadgen.records.people import People
from loadgen.records.pools import Pools
from loadgen.records.sources import CLIENT_CODE, EMAIL_CODE, HOUSE, ByteSource, LowDigits, PhoneEnd, unique_code
from loadgen.records.space import RecordSpace
from loadgen.records.spoiling import Spoiler
from loadgen.records.template import DrawnRows
from loadgen.records.words import Words
from loadtest_model.plan.columns import MOST_VARYING_FIELDS, ColumnPlan, TemplatePart, varying_field_count
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.records.columns import CLIENT_COLUMNS
from loadtest_model.records.patterns import Fill, pattern_parts
from loadtest_model.spec.records import Cells

_PEOPLE_STREAM: Final = 2
_WRONG_PEOPLE_STREAM: Final = 4
_FIELD_STREAM: Final = 5

_CLIENT_COLUMN_NAMES: Final = tuple(column.name for column in CLIENT_COLUMNS)


@dataclass(frozen=True, slots=True)
class _ColumnMaker:
    """A column: what makes its texts, and the slots in them in the order of their marks."""

    maker: TextMaker
    slots: tuple[Slot, ...] = ()


class RowMaker:
    """A stream of rows, right ones or wrong ones; plan, pools and space fix it.

    Raises FieldRefusedError for a field whose values cannot be made.
    """

    def __init__(self, plan: RecordsPlan, space: RecordSpace, pools: Pools, *, wrong: bool = False) -> None:
        stream = _WRONG_PEOPLE_STREAM if wrong else _PEOPLE_STREAM
        # A typed cell is made from the ISO form, and its format says how it is shown.
        is_typed = plan.dialect.cells == Cells.TYPED
        dates = DateTexts() if is_typed else DateTexts(plan.dialect.date_format, plan.dialect.date_time_format)
        self._people = People(pools, Words(space.seed, stream, space.pod_index), space.prefix, plan.locale, dates)
        self._plans = plan.columns
        columns = _Columns(plan, space, dates, wrong=wrong)
        self._faked_values = columns.faked_values
        self._turn = 0
        self._makers = {name: column_maker.maker for name, column_maker in columns.makers.items()}
        self._spoiler = _spoiler(plan) if wrong else None
        self.slots = tuple(
            replace(slot, may_be_absent=True) if wrong else slot
            for column in plan.columns
            for slot in columns.maker_of(column.name).slots
        )
        """What is written anew in every row; all of it may be absent from wrong ones."""

    def draw(self, count: int) -> DrawnRows:
        """The next `count` rows."""
        people = self._people.draw(count)
        clients = dict(zip(_CLIENT_COLUMN_NAMES, people.columns, strict=True))
        has_copied_id = self._spoiler.spoil(clients, count) if self._spoiler is not None else None
        if self._faked_values:
            # One field at a time, so that rendering takes as long however many there are.
            self._faked_values[self._turn % len(self._faked_values)].renew()
            self._turn += 1
        added_columns: dict[str, Sequence[str]] = {}
        rows = RowSlice(count, people.french, clients, added_columns)
        for name, maker in self._makers.items():
            added_columns[name] = maker(rows)
        columns = tuple(
            clients[plan.source] if plan.kind == "client" else added_columns[plan.name] for plan in self._plans
        )
        return DrawnRows(columns, people.area_indices, has_copied_id)


def _spoiler(plan: RecordsPlan) -> Spoiler | None:
    if plan.invalid is None:
        return None
    return Spoiler(plan.invalid.kinds, {column.source for column in plan.columns if column.kind == "client"})


class _Columns:
    """The makers of added columns, each after those that it needs, and the slots of all columns."""

    def __init__(self, plan: RecordsPlan, space: RecordSpace, dates: DateTexts, *, wrong: bool) -> None:
        self._plans = {column.name: column for column in plan.columns}
        self._space = space
        self._dates = dates
        self._is_typed = plan.dialect.cells == Cells.TYPED
        self._is_wrong = wrong
        self._free_characters = iter(FREE_CHARACTERS)
        self._fakers = Fakers(plan.locale)
        self._varying = _varying_numbers(plan.columns)
        self._client_slots: Mapping[str, tuple[Slot, ...]] = {
            "client_id": (Slot(CLIENT_MARK[0], CLIENT_CODE),),
            "email": (Slot(EMAIL_MARK[0], EMAIL_CODE),),
            "phone": (Slot(PHONE_MARK[0], PhoneEnd(plan.contact)),),
            "address": (Slot(HOUSE_MARK[0], HOUSE),),
        }
        self.faked_values: list[FakedValues] = []
        self.makers: dict[str, _ColumnMaker] = {}
        for index, column in enumerate(plan.columns):
            self._make(index, column)

    def maker_of(self, name: str) -> _ColumnMaker:
        plan = self._plans[name]
        return self._client_maker(plan.source) if plan.kind == "client" else self.makers[name]

    def _client_maker(self, source: str) -> _ColumnMaker:
        return _ColumnMaker(fields.client_column(source), self._client_slots.get(source, ()))

    def _make(self, index: int, plan: ColumnPlan) -> None:
        if plan.kind == "client" or plan.name in self.makers:
            return
        words = Words(self._space.seed, _FIELD_STREAM, self._space.pod_index, index, int(self._is_wrong))
        column_maker = self._maker_of_kind(index, plan, words)
        if plan.null_millionths:
            slots = tuple(replace(slot, may_be_absent=True) for slot in column_maker.slots)
            column_maker = _ColumnMaker(fields.with_nulls(column_maker.maker, words, plan.null_millionths), slots)
        self.makers[plan.name] = column_maker

    def _maker_of_kind(self, index: int, plan: ColumnPlan, words: Words) -> _ColumnMaker:
        match plan.kind:
            case "unique":
                slot = self._new_slot(unique_code(self._space.seed, index, plan.width, digits=plan.digits))
                return _ColumnMaker(fields.unique(plan, slot.mark), (slot,))
            case "integer" | "decimal" if plan.name in self._varying:
                slot = self._new_slot(LowDigits(fields.marked_digits(plan), index), may_be_absent=True)
                return _ColumnMaker(fields.numbers(plan, words, slot.mark), (slot,))
            case "template":
                return self._template_maker(plan)
            case "pattern":
                return self._pattern_maker(index, plan, words)
            case _:
                return _ColumnMaker(self._markless_maker(plan, words))

    def _markless_maker(self, plan: ColumnPlan, words: Words) -> TextMaker:
        match plan.kind:
            case "choice" | "boolean":
                return fields.choice(plan, words)
            case "integer" | "decimal":
                return fields.numbers(plan, words)
            case "date" | "datetime":
                has_own_format = plan.date_format and not self._is_typed
                dates = DateTexts(plan.date_format, plan.date_format) if has_own_format else self._dates
                return fields.dates_or_times(plan, words, dates)
            case "faker":
                values = FakedValues(plan, self._fakers, words)
                self.faked_values.append(values)
                return fields.faked_values(values)
            case _:
                return fields.constant(plan)

    def _pattern_maker(self, index: int, plan: ColumnPlan, words: Words) -> _ColumnMaker:
        parts = pattern_parts(plan.text, unique=plan.is_unique)
        digits = sum(part.width for part in parts if part.fill is Fill.NUMBER)
        number = unique_code(self._space.seed, index, digits, digits=True) if digits else None
        slots = {
            place: self._new_slot(NumberDigits(number, part.width, part.digits_after))
            for place, part in enumerate(parts)
            if number is not None and part.fill is Fill.NUMBER
        }
        marks = {place: slot.mark for place, slot in slots.items()}
        return _ColumnMaker(pattern(parts, words, marks), tuple(slots.values()))

    def _new_slot(self, source: ByteSource, *, may_be_absent: bool = False) -> Slot:
        return Slot(next(self._free_characters), source, may_be_absent)

    def _template_maker(self, plan: ColumnPlan) -> _ColumnMaker:
        parts = []
        slots: list[Slot] = []
        for part in plan.parts:
            column_maker = self._part_maker(part)
            own_slots = [self._convert_slot(slot, part) for slot in column_maker.slots]
            marks = {
                ord(part_slot.character): own_slot.character
                for part_slot, own_slot in zip(column_maker.slots, own_slots, strict=True)
            }
            parts.append((column_maker.maker, part.conversion, marks))
            slots += own_slots
        return _ColumnMaker(fields.concatenation(parts), tuple(slots))

    def _part_maker(self, part: TemplatePart) -> _ColumnMaker:
        if part.client:
            return self._client_maker(part.client)
        if part.column:
            index = list(self._plans).index(part.column)
            self._make(index, self._plans[part.column])
            return _ColumnMaker(fields.added_column(part.column), self.makers[part.column].slots)
        return _ColumnMaker(fields.constant(ColumnPlan(name="", kind="constant", text=part.text)))

    def _convert_slot(self, slot: Slot, part: TemplatePart) -> Slot:
        source = slot.source.in_case(part.conversion != "upper") if part.conversion else slot.source
        return self._new_slot(source, may_be_absent=slot.may_be_absent)


def _varying_numbers(plans: Sequence[ColumnPlan]) -> frozenset[str]:
    """The columns of numbers that differ in every row: as many as there are marks for, the first ones first."""
    varying: frozenset[str] = frozenset()
    for plan in plans:
        if plan.kind in ("integer", "decimal") and fields.marked_digits(plan):
            candidates = varying | {plan.name}
            if varying_field_count(plans, candidates) <= MOST_VARYING_FIELDS:
                varying = candidates
    return varying
