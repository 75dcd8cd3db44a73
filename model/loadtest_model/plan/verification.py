"""The read-back as the pods do it."""

import re
from typing import Final
from urllib.parse import unquote

from loadtest_model.plan.errors import PlanError
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.reasons import Reason
from loadtest_model.spec.verification import LOOK_UP_PATTERN, ReadBackAuth, Verification
from loadtest_model.suggestions import suggestion
from loadtest_model.values import WireValue, seconds_of

_CLIENT_ID: Final = "client_id"
_EMAIL: Final = "email"


class ReadBackPlan(WireValue, frozen=True, kw_only=True):
    """How to read what the target has stored.

    `url` with a column's name in braces looks rows up, else it counts them all. `column` is that column's name in the
    file, empty for that of the client_id. What must be found is the row with `control_client_id` in that column, or
    `control_url`; where there is neither, the count itself must be above 0. `sends_token` says whether the target's
    token is sent. `timeout_seconds` bounds one reading.
    """

    url: str
    count_path: str | None
    control_client_id: str | None
    control_url: str | None
    headers: dict[str, str]
    sends_token: bool
    settle_seconds: float
    timeout_seconds: float
    column: str = ""

    @property
    def looks_up(self) -> bool:
        return re.search(LOOK_UP_PATTERN, self.url) is not None

    @property
    def ending_seconds(self) -> float:
        """The longest that the readings after the load may take."""
        return self.settle_seconds + 2 * self.timeout_seconds


def compile_read_back(verification: Verification, records: RecordsPlan) -> ReadBackPlan | None:
    """The read-back of a spec, None if it has none.

    Raises PlanError for a look-up by a column that no file has, or whose values are not unique: it would show nothing.
    """
    read_back = verification.read_back
    if read_back is None:
        return None
    control = read_back.control
    match = re.search(LOOK_UP_PATTERN, read_back.url)
    return ReadBackPlan(
        url=read_back.url,
        count_path=read_back.count_path,
        control_client_id=(control.client_id or control.value) if control else None,
        control_url=control.url if control else None,
        headers=read_back.headers,
        sends_token=read_back.auth == ReadBackAuth.TARGET,
        settle_seconds=seconds_of(read_back.settle),
        timeout_seconds=seconds_of(read_back.timeout),
        column=_look_up_column(unquote(match[0].strip("{}")), records) if match else "",
    )


def _look_up_column(name: str, records: RecordsPlan) -> str:
    """The file's name of the column that rows are looked up by, empty for that of the client_id."""
    columns = [column for column in records.columns if column.name == name]
    # A client column that was renamed can be referred to by its original name, as in templates.
    columns = columns or [column for column in records.columns if column.source == name]
    if columns and columns[0].source == _CLIENT_ID:
        return ""
    if columns and (columns[0].has_unique_values or columns[0].source == _EMAIL):
        return columns[0].name
    if columns:
        problem = f"looks rows up by {name!r}, whose values are not unique; look up by client_id, email, or a column of"
        raise PlanError(
            Reason.ReadBackInvalid,
            f"spec.verification.readBack.url {problem} kind unique (or pattern with unique: true) without nullShare",
        )
    names = [column.name for column in records.columns]
    if name == _CLIENT_ID:
        hint = "keep it, look rows up by another unique column, or count rows (countPath, and no {client_id} in url)"
        raise PlanError(
            Reason.ReadBackInvalid,
            "spec.verification.readBack.url looks rows up by their client_id, but spec.records.fields leaves the"
            f" client_id out of the files; {hint}",
        )
    raise PlanError(
        Reason.ReadBackInvalid,
        f"spec.verification.readBack.url looks rows up by {name!r}, which is no column of the file;"
        f" {suggestion(name, names)}",
    )
