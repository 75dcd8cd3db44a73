"""Whatever the target does, and whenever a load is stopped or cut: each upload is counted once, and none is made up.

The engine runs on a clock that passes by waiting alone, against an uploader that takes as long as it is told.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from loadgen.answers.judging import AnswerJudgement
from loadgen.http.endpoints import Endpoint, parse_endpoint
from loadgen.http.transport import Client, Exchange
from loadgen.http.upload_progress import UploadProgress
from loadgen.upload.addresses import AddressBook
from loadgen.upload.routes import Route
from loadgen.upload.uploading import Upload
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.measurement.spread import AddressCounts
from support.timed_loads import Ran, TimedUploader, a_custom_plan, load
from support.virtual_time import run_in_virtual_time


@dataclass(frozen=True)
class Departure:
    """An address that takes no connection from one instant on, and of which it is told at another that it has left."""

    closed_at: float
    told_at: float
    age: float

    @property
    def left_at(self) -> float:
        """Since when, as the pod is told, the address is no longer the target's."""
        return self.told_at - self.age


@dataclass
class DepartingUploader(TimedUploader):
    """Some of its addresses depart while the load runs; times count from `began_at`."""

    departures: dict[Endpoint, Departure] = field(default_factory=dict)
    began_at: float = 0.0
    routes: list[Route] = field(default_factory=list)
    refused_at: list[tuple[Endpoint, float]] = field(default_factory=list)

    def prepare(self, book: AddressBook, addresses: tuple[Endpoint, ...], began_at: float) -> None:
        self.began_at = began_at
        _depart(book, addresses, self.departures, began_at)

    async def upload(
        self, client: Client, route: Route, rows: int, progress: UploadProgress, *, is_traced: bool = False
    ) -> Upload:
        self.routes.append(route)

        async def attempt(endpoint: Endpoint) -> Exchange:
            await asyncio.sleep(0.001)
            now = asyncio.get_running_loop().time() - self.began_at
            departure = self.departures.get(endpoint)
            if departure is None or now < departure.closed_at:
                return Exchange(None)
            self.refused_at.append((endpoint, now))
            return Exchange(None, ErrorKind.REFUSED)

        exchange = await route.try_addresses(attempt)
        if exchange.error is None:
            return await super().upload(client, route, rows, progress, is_traced=is_traced)
        return Upload(rows, "c1", route.endpoint, None, AnswerJudgement(exchange.error))


def _depart(
    book: AddressBook, addresses: tuple[Endpoint, ...], departures: dict[Endpoint, Departure], began_at: float
) -> None:
    """Tell of each departure when it is due; a list holds all that have not been told to have left by then."""

    gone: set[Endpoint] = set()

    def tell(departing: Endpoint) -> None:
        # One at a time, also of those told at the same instant: each has left since an instant of its own.
        gone.add(departing)
        book.observe(set(addresses) - gone, began_at + departures[departing].left_at)

    for address, departure in departures.items():
        asyncio.get_running_loop().call_at(began_at + departure.told_at, tell, address)


def assert_accounted_for(ran: Ran) -> None:
    total = ran.step.total
    assert total.is_conserved
    assert ran.step.in_flight == 0
    assert ran.virtual_users == 0
    assert ran.uploader.under_way == 0
    assert total.sent == len(ran.uploader.begun_at)
    assert total.records_sent == sum(ran.uploader.rows)
    assert sum(ran.step.errors.values()) == total.sent - total.accepted
    for name in ("due", "sent", "dropped", "accepted", "cancelled"):
        assert sum(getattr(second.counts, name) for second in ran.step.seconds) == getattr(total, name)
    assert sum(second.ended for second in ran.step.seconds) == total.sent
    assert sum(second.lapsed for second in ran.step.seconds) == total.dropped
    assert ran.step.response.count == total.accepted + total.unknown + total.dropped
    assert sum(counts.sent for counts in ran.step.addresses.values()) == total.sent


times = st.lists(st.floats(0.0, 8.0), min_size=1, max_size=6)
errors = st.lists(st.none() | st.sampled_from([ErrorKind.SERVER_ERROR, ErrorKind.RESET]), min_size=1, max_size=4)
instants = st.none() | st.floats(0.0, 25.0)
users = st.integers(1, 4)


@given(times, errors, users, instants, instants, st.sampled_from(["0s", "2s", "5s"]))
@example([6.0], [None], 2, None, None, "2s")
def test_in_the_closed_model_each_upload_counts_once_whatever_is_cut_when(
    seconds: list[float],
    ends: list[ErrorKind | None],
    virtual_users: int,
    drain_at: float | None,
    cancel_at: float | None,
    graceful_stop: str,
) -> None:
    # A target that answers in no time at all would be asked for ever within one instant of such a clock.
    plan = a_custom_plan(virtualUsers=virtual_users, duration="15s", thinkTime="500ms", gracefulStop=graceful_stop)
    uploader = TimedUploader(seconds, ends)

    ran = run_in_virtual_time(load(plan, uploader, drain_at=drain_at, cancel_at=cancel_at))

    assert_accounted_for(ran)
    assert uploader.most_under_way <= virtual_users
    assert all(at < 15.0 for at in ran.due_at)
    assert all(at <= cancel_at for at in ran.due_at if cancel_at is not None)
    assert all(at <= drain_at for at in ran.due_at if drain_at is not None)


@given(times, errors, users, st.floats(0.5, 6.0), st.tuples(instants, instants), st.sampled_from(["100ms", "1s", "5s"]))
@example([8.0], [None], 1, 2.0, (None, None), "1s")
@example([0.0], [None], 1, 1.0, (None, 0.0), "1s")
def test_in_the_open_model_each_arrival_counts_once_whatever_is_cut_when(
    seconds: list[float],
    ends: list[ErrorKind | None],
    virtual_users: int,
    rate: float,
    stops: tuple[float | None, float | None],
    max_lateness: str,
) -> None:
    drain_at, cancel_at = stops
    plan = a_custom_plan(virtualUsers=virtual_users, duration="15s", arrivalRate=rate, maxLateness=max_lateness)
    uploader = TimedUploader(seconds, ends)

    ran = run_in_virtual_time(load(plan, uploader, drain_at=drain_at, cancel_at=cancel_at))

    assert_accounted_for(ran)
    assert uploader.most_under_way <= virtual_users
    if drain_at is None and cancel_at is None:
        number = ran.step.total.due
        assert abs(number - 15 * rate) <= 1
        assert ran.step.lateness.count + ran.step.vu_limit_reached == number
        assert ran.step.finished_pods


@given(st.floats(0.5, 20.0), st.integers(1, 3))
def test_with_users_to_spare_every_arrival_begins_when_it_is_due(rate: float, pods: int) -> None:
    plan = a_custom_plan(parallelism=pods, virtualUsers=100, duration="10s", arrivalRate=rate)

    ran = [run_in_virtual_time(load(plan, TimedUploader([0.7], [None]), index=index)) for index in range(pods)]

    due = sorted(at for pod in ran for at in pod.due_at)
    assert len(due) >= 10 * rate - 1e-6
    assert all(abs(at - number / rate) < 1e-6 for number, at in enumerate(due))
    assert all(pod.step.total.dropped == pod.step.vu_limit_reached == 0 for pod in ran)
    assert max(pod.step.lateness.max_seconds or 0.0 for pod in ran) < 1e-6


@given(st.integers(1, 700), st.integers(1, 4), users, st.booleans())
def test_all_pods_together_send_just_the_records_that_were_asked_for(
    records: int, pods: int, virtual_users: int, is_open: bool
) -> None:
    pods = min(pods, virtual_users, -(-records // 10))
    pace = {"arrivalRate": 5.0, "maxLateness": "5s"} if is_open else {"thinkTime": "100ms"}
    plan = a_custom_plan(parallelism=pods, virtualUsers=virtual_users, records=records, **pace)

    ran = [run_in_virtual_time(load(plan, TimedUploader([0.3], [None]), index=index)) for index in range(pods)]

    sent = Counter(rows for pod in ran for rows in pod.uploader.rows)
    dropped = sum(pod.step.total.dropped for pod in ran)
    assert sum(sent.values()) + dropped == -(-records // 10)
    if not dropped:
        assert sum(rows * count for rows, count in sent.items()) == records
    assert set(sent) <= {10, records % 10}
    assert all(pod.step.finished_pods for pod in ran)
    for pod in ran:
        assert_accounted_for(pod)


def test_in_the_closed_model_a_user_begins_again_as_soon_as_its_answer_is_there() -> None:
    plan = a_custom_plan(virtualUsers=1, duration="5s")

    ran = run_in_virtual_time(load(plan, TimedUploader([1.0], [None])))

    assert ran.due_at == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_an_arrival_that_waited_too_long_is_dropped_at_its_time_and_not_before() -> None:
    plan = a_custom_plan(virtualUsers=1, duration="10s", arrivalRate=1.0, maxLateness="3s")

    ran = run_in_virtual_time(load(plan, TimedUploader([4.5], [None])))

    assert ran.due_at == [0.0, 4.5, 9.0]
    lapsed = {second.second: second.lapsed for second in ran.step.seconds if second.lapsed}
    # Those due at 1, 3, 4, 5 and 6 s three seconds later; those due at 7, 8 and 9 s with the end of the load.
    assert sum(lapsed.values()) == ran.step.total.dropped == 7
    assert min(lapsed) == 4


MANY = tuple(parse_endpoint(f"127.0.0.{number}:8000") for number in range(1, 5))


@st.composite
def departures_of(draw: st.DrawFn) -> dict[Endpoint, Departure]:
    """Departures of some addresses, never of all, in any order of what happens and what is told."""
    departing = draw(st.lists(st.sampled_from(MANY[1:]), unique=True))
    ages = st.floats(0.0, 2.0)
    return {
        address: Departure(draw(st.floats(0.0, 12.0)), draw(st.floats(2.0, 14.0)), draw(ages)) for address in departing
    }


@given(times, departures_of(), users, st.none() | st.floats(0.5, 4.0))
@example([0.5], {MANY[1]: Departure(3.0, 3.5, 0.6)}, 2, None)
@example(
    [0.0],
    {MANY[1]: Departure(0.0, 3.0, 0.0), MANY[2]: Departure(0.0, 3.0, 1.0), MANY[3]: Departure(0.0, 2.0, 0.0)},
    1,
    None,
)
def test_an_upload_goes_elsewhere_only_where_its_address_had_left_and_counts_once_all_the_same(
    seconds: list[float], departures: dict[Endpoint, Departure], virtual_users: int, rate: float | None
) -> None:
    pace: dict[str, Any] = {"thinkTime": "500ms"} if rate is None else {"arrivalRate": rate, "maxLateness": "5s"}
    plan = a_custom_plan(virtualUsers=virtual_users, duration="15s", **pace)
    uploader = DepartingUploader(seconds, [None], departures=departures)

    ran = run_in_virtual_time(load(plan, uploader, addresses=MANY))

    total = ran.step.total
    assert total.is_conserved
    assert total.due == len(uploader.routes) + total.dropped
    assert total.accepted <= len(uploader.begun_at) <= total.accepted + total.unknown
    assert total.records_sent == sum(uploader.rows)
    assert total.rerouted == sum(bool(route.departed_addresses) for route in uploader.routes)
    assert sum(second.counts.rerouted for second in ran.step.seconds) == total.rerouted
    spread = {address: ran.step.addresses.get(str(address), AddressCounts()) for address in MANY}
    assert sum(counts.sent for counts in spread.values()) == total.sent
    for address, counts in spread.items():
        tried = [at for endpoint, at in uploader.refused_at if endpoint == address]
        # One that is cut at the end may have been waiting for a word.
        assert 0 <= len(tried) - counts.rerouted - counts.refused <= total.unknown
        assert counts.rerouted == sum(route.departed_addresses.count(address) for route in uploader.routes)
        departure = departures.get(address)
        had_left = [at for at in tried if departure is not None and departure.left_at <= at + 1e-9]
        heard = [at for at in had_left if departure is not None and departure.told_at < at + 1.0]
        assert len(heard) - total.unknown <= counts.rerouted <= len(had_left)
