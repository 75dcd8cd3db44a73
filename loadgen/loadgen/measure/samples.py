"""What is known of one finished upload."""

from msgspec import Struct

from loadgen.http.upload_progress import PartNanoseconds
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.outcomes import ErrorKind, Outcome, outcome_of


class Sample(Struct, frozen=True):
    """One finished upload; instants are on the monotonic clock, in nanoseconds.

    `has_begun` is False if no byte of it can have left. `address` is empty if no address was available.
    `departed_addresses` are the addresses tried before it, which had left the target when a connection was tried.
    `own_response_ns` and `own_service_ns` are how much of its response and service time our own side may have added.
    `remaining_ns` is how much longer it had until its time-out.
    For a failed upload, `cause` is its diagnosis if there is one, `status` is the status of its answer, and `detail`
    describes the failure in one printable line. `trace_id` is empty if it carried no `traceparent`. `making_ns` is how
    long making its file took, the wait for other files included; None if it had none.
    """

    intended_ns: int
    sent_ns: int
    finished_ns: int
    rows: int
    error: ErrorKind | None
    records_confirmed: int
    bytes_sent: int
    has_begun: bool
    own_response_ns: int = 0
    own_service_ns: int = 0
    remaining_ns: int = 0
    address: str = ""
    departed_addresses: tuple[str, ...] = ()
    parts: PartNanoseconds = PartNanoseconds()
    cause: Cause | None = None
    status: int | None = None
    detail: str = ""
    trace_id: str = ""
    making_ns: int | None = None

    @property
    def outcome(self) -> Outcome:
        return outcome_of(self.error)
