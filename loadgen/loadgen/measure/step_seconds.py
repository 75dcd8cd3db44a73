"""The seconds of a step, and which of them changed since they were last read."""

from itertools import takewhile
from operator import itemgetter

from loadgen.measure.tallies import SecondTally
from loadtest_model.load.pacing import share_of, users_at
from loadtest_model.measurement.counts import Second
from loadtest_model.measurement.silence import Silence, silence_of
from loadtest_model.plan import Step
from loadtest_model.values import NANOSECONDS


class StepSeconds:
    """Every second of a step by one pod, also those in which nothing happened.

    A change belongs to the reading `next_reading`, which the owner counts up after each reading.
    """

    def __init__(self, step: Step, pod: tuple[int, int]) -> None:
        self._step = step
        self._pod = pod
        self._seconds: list[SecondTally] = []
        self._by_change: dict[int, SecondTally] = {}
        self._users = 0
        self.next_reading = 1

    def at(self, since_start_ns: int) -> SecondTally:
        """The second that an instant lies in, marked as changed."""
        number = since_start_ns // NANOSECONDS
        if not 0 <= number < len(self._seconds):
            self.add_until(since_start_ns)
            number = max(0, number)
        second = self._seconds[number]
        second.last_value = None
        if second.last_change_reading != self.next_reading:
            second.last_change_reading = self.next_reading
            # A dict keeps its keys in the order in which they came.
            del self._by_change[number]
            self._by_change[number] = second
        return second

    def add_until(self, since_start_ns: int) -> None:
        """Have every second up to this instant, also those in which nothing happened."""
        while len(self._seconds) * NANOSECONDS <= since_start_ns or not self._seconds:
            if len(self._seconds) > 1:
                # Nothing ends in it any more, and a day has 86,400 of them.
                self._seconds[-2].pack_times()
            second = SecondTally(self._users, self.next_reading)
            self._by_change[len(self._seconds)] = second
            self._seconds.append(second)

    def record_users(self, users: int, since_start_ns: int) -> None:
        """Note how many virtual users are at work in the open model."""
        self._users = users
        second = self.at(since_start_ns)
        second.users = max(second.users, users)

    def changed_after(self, since: int) -> tuple[Second, ...]:
        """In the order of time. A day has 86,400 seconds, so those that have not changed are neither looked at nor
        made again.
        """
        changed = list(takewhile(lambda entry: entry[1].last_change_reading > since, reversed(self._by_change.items())))
        for number, tally in changed:
            if tally.last_value is None:
                tally.last_value = tally.second(number, self._users_in(number, tally))
        return tuple(
            tally.last_value for _, tally in sorted(changed, key=itemgetter(0)) if tally.last_value is not None
        )

    def silence(self) -> Silence:
        """When the target did not answer."""
        return silence_of([second.second(number, 0) for number, second in enumerate(self._seconds)])

    def _users_in(self, number: int, second: SecondTally) -> int:
        """Those that the profile has at work in a second. In the open model it has only a limit, so those that were."""
        if self._step.arrivals is not None:
            return second.users
        return share_of(users_at(self._step.segments, number + 0.5), *self._pod)
