"""The read-back as the pods do it."""

from loadtest_model.plan.errors import PlanError
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.reasons import Reason
from loadtest_model.spec.verification import CLIENT_ID, ReadBackAuth, Verification
from loadtest_model.values import WireValue, seconds_of


class ReadBackPlan(WireValue, frozen=True, kw_only=True):
    """How to read what the target has stored.

    `url` with `{client_id}` in it looks rows up, else it counts them all. `control_client_id` or `control_url` is what
    must be found; where there is neither, the count itself must be above 0. `sends_token` says whether the target's
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

    @property
    def looks_up(self) -> bool:
        return CLIENT_ID in self.url

    @property
    def ending_seconds(self) -> float:
        """The longest that the readings after the load may take."""
        return self.settle_seconds + 2 * self.timeout_seconds


def compile_read_back(verification: Verification) -> ReadBackPlan | None:
    """The read-back of a spec, None where it has none."""
    read_back = verification.read_back
    if read_back is None:
        return None
    control = read_back.control
    return ReadBackPlan(
        url=read_back.url,
        count_path=read_back.count_path,
        control_client_id=control.client_id if control else None,
        control_url=control.url if control else None,
        headers=read_back.headers,
        sends_token=read_back.auth == ReadBackAuth.TARGET,
        settle_seconds=seconds_of(read_back.settle),
        timeout_seconds=seconds_of(read_back.timeout),
    )


def refuse_blind_look_up(read_back: ReadBackPlan | None, records: RecordsPlan) -> None:
    """Raise PlanError for a look-up of rows whose client_id no file has: finding none of them would show nothing."""
    if read_back is not None and read_back.looks_up and not any(c.source == "client_id" for c in records.columns):
        raise PlanError(
            Reason.ReadBackInvalid,
            "spec.verification.readBack.url looks rows up by their client_id, but spec.records.fields leaves the"
            " client_id out of the files; keep it, or count rows (countPath, and no {client_id} in url)",
        )
