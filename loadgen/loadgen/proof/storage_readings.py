"""When a read-back is asked in the course of a run, which rows it looks for, and what it refuses."""

from typing import Final

from loadgen.proof.read_back import ReadBack
from loadgen.proof.refusals import read_back_refusal
from loadgen.records.space import run_prefix
from loadtest_model.measurement.proof import ReadBackReport, ReadingMoment
from loadtest_model.measurement.snapshot import Refusal, VerificationReport, Violation
from loadtest_model.plan import Plan

CLIENT_ID_NAME: Final = "client_id"

LOOKED_UP_ROWS: Final = 32
"""Rows of the verification that a read-back looks up, one request each."""

_REFUSALS_BY_READING: Final = frozenset({Refusal.STORED, Refusal.READ_BACK, Refusal.READ_BACK_CONTROL})


class RowKeys:
    """By what a read-back finds the rows of a run.

    `column` is the one that it looks in, and `id_column` the one that has the ids of clients. Values of `column` that
    begin with `prefix` are those of this run; it is empty if nothing can be told from how they begin.
    """

    def __init__(self, plan: Plan) -> None:
        columns = (column for column in plan.records.columns if column.kind == "client")
        client_id_column = next((column.name for column in columns if column.source == CLIENT_ID_NAME), "")
        self._look_up_column = plan.read_back.column if plan.read_back is not None else ""
        self.id_column = client_id_column or CLIENT_ID_NAME
        self.column = self._look_up_column or self.id_column
        # Rows that are looked up by another column say nothing of the run by how they begin.
        has_prefix = client_id_column and not self._look_up_column
        self.prefix = run_prefix(plan.records.run_tag) if has_prefix else ""

    def key_of(self, violation: Violation) -> str:
        """What a read-back looks for of the upload that showed a violation."""
        if not self._look_up_column:
            return violation.first_client_id
        name = f"{self._look_up_column} "
        return violation.first_row.removeprefix(name) if violation.first_row.startswith(name) else ""


class StorageReadings:
    """The readings of a run, each at its moment; `report` has them so far.

    `must_prove` says that a reading which shows nothing refuses the target, too.
    """

    def __init__(self, read_back: ReadBack, *, must_prove: bool) -> None:
        self._read_back = read_back
        self._must_prove = must_prove
        self._verified_keys: tuple[str, ...] = ()

    @property
    def report(self) -> ReadBackReport:
        return self._read_back.report

    @property
    def refusal(self) -> VerificationReport | None:
        """The refusal of the target by the readings so far."""
        return read_back_refusal(self.report, must_prove=self._must_prove, token_cause=self._read_back.token_cause)

    async def read_before(self) -> VerificationReport | None:
        """Read before the first upload; gives the refusal, if there is one."""
        return await self._read(ReadingMoment.BEFORE, ())

    async def read_first_rows(self, keys: tuple[str, ...]) -> VerificationReport | None:
        """Read when few rows were sent, so that a target that stores them gets no whole batch.

        A target whose read-back has failed, and that need not be proven, is not asked: each failure takes a time-out.
        """
        if any(reading.problem for reading in self.report.readings):
            return None
        return await self._read(ReadingMoment.FIRST_ROWS, keys)

    async def read_verified(self, keys: tuple[str, ...]) -> VerificationReport | None:
        """Read after the verification; its rows are looked for after the load as well."""
        self._verified_keys = keys[:LOOKED_UP_ROWS]
        return await self._read(ReadingMoment.VERIFIED, keys)

    async def read_refused(self, refusal: Refusal, keys: tuple[str, ...]) -> None:
        """Read what a refused target has stored, unless a reading refused it."""
        if refusal not in _REFUSALS_BY_READING:
            await self._read_back.read_after_cut(ReadingMoment.REFUSED, keys[:LOOKED_UP_ROWS])

    async def read_halted(self, newest_key: str | None, suspected_key: str) -> None:
        """Read once what the target has stored, after a load that was halted."""
        await self._read_back.read_after_cut(ReadingMoment.HALTED, self._keys_after_load(suspected_key, newest_key))

    async def conclude(self, newest_key: str | None) -> None:
        """Read after the last answer, and once more when the target had time to settle."""
        await self._read_back.conclude(self._keys_after_load(newest_key))

    def _keys_after_load(self, *keys: str | None) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, (*self._verified_keys, *keys))))

    async def _read(self, moment: ReadingMoment, keys: tuple[str, ...]) -> VerificationReport | None:
        await self._read_back.read(moment, keys[:LOOKED_UP_ROWS])
        return self.refusal
