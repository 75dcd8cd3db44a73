"""Accepted uploads counted together: most that end in one second differ in their times alone."""

from collections.abc import Callable, Sequence
from operator import sub

from loadgen.measure.samples import Sample
from loadtest_model.values import NANOSECONDS


class AcceptedUploads:
    """Accepted uploads that were due in one second and one part of a step, ended in one second, and had one address.

    Every figure of the group is what the same figures of its samples add up to, one after the other.
    """

    __slots__ = (
        "address",
        "bytes_sent",
        "count",
        "own_responses_ns",
        "own_services_ns",
        "records_confirmed",
        "records_sent",
        "responses_ns",
        "rest_responses_ns",
        "rest_services_ns",
        "samples",
        "services_ns",
    )

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self.count = len(samples)
        self.address = samples[0].address
        self.records_sent = sum([sample.rows for sample in samples])
        self.records_confirmed = sum([sample.records_confirmed for sample in samples])
        self.bytes_sent = sum([sample.bytes_sent for sample in samples])
        self.responses_ns = [sample.finished_ns - sample.intended_ns for sample in samples]
        self.services_ns = [sample.finished_ns - sample.sent_ns for sample in samples]
        self.own_responses_ns = list(map(min, self.responses_ns, [sample.own_response_ns for sample in samples]))
        self.own_services_ns = list(map(min, self.services_ns, [sample.own_service_ns for sample in samples]))
        self.rest_responses_ns = list(map(sub, self.responses_ns, self.own_responses_ns))
        self.rest_services_ns = list(map(sub, self.services_ns, self.own_services_ns))


def accepted_groups(
    samples: Sequence[Sample], start_ns: int, part_of: Callable[[int], int]
) -> tuple[list[AcceptedUploads], list[Sample]]:
    """The samples in groups, and those that are counted one by one: failures, and what is out of the ordinary.

    The step began at `start_ns`, and `part_of` gives the number of its part that an upload due so long after the start
    is judged in.
    """
    groups: dict[tuple[int, int, int, str], list[Sample]] = {}
    others = []
    for sample in samples:
        intended_ns, finished_ns = sample.intended_ns, sample.finished_ns
        is_ordinary = sample.error is None and sample.has_begun and not sample.departed_addresses
        if is_ordinary and start_ns <= intended_ns <= sample.sent_ns <= finished_ns and sample.address:
            since_start_ns = intended_ns - start_ns
            key = (
                since_start_ns // NANOSECONDS,
                part_of(since_start_ns),
                (finished_ns - start_ns) // NANOSECONDS,
                sample.address,
            )
            group = groups.get(key)
            if group is None:
                groups[key] = [sample]
            else:
                group.append(sample)
        else:
            others.append(sample)
    return [AcceptedUploads(group) for group in groups.values()], others
