"""The uploads of a step that took longest."""

import heapq

from loadgen.measure.accepted_uploads import AcceptedUploads
from loadgen.measure.samples import Sample
from loadtest_model.measurement.slow_samples import MOST_SLOW_SAMPLES, SlowSample, slowest_samples


class SlowTally:
    """Keeps the slowest of one pod's uploads in a step that began at `start_ns`."""

    def __init__(self, pod_index: int, start_ns: int) -> None:
        self._pod_index = pod_index
        self._start_ns = start_ns
        # The number tells entries of the same time apart.
        self._heap: list[tuple[int, int, Sample]] = []
        self._number = 0
        self._least_ns = -1

    def add(self, sample: Sample) -> None:
        response_ns = sample.finished_ns - sample.intended_ns
        if response_ns <= self._least_ns:
            return
        self._number += 1
        entry = (response_ns, self._number, sample)
        if len(self._heap) < MOST_SLOW_SAMPLES:
            heapq.heappush(self._heap, entry)
        else:
            heapq.heapreplace(self._heap, entry)
        if len(self._heap) == MOST_SLOW_SAMPLES:
            self._least_ns = self._heap[0][0]

    def add_accepted(self, uploads: AcceptedUploads) -> None:
        if max(uploads.responses_ns) > self._least_ns:
            for sample in uploads.samples:
                self.add(sample)

    def samples(self) -> tuple[SlowSample, ...]:
        """The slowest so far, the slowest first."""
        return slowest_samples([tuple(self._slow_sample(sample) for _, _, sample in self._heap)])

    def _slow_sample(self, sample: Sample) -> SlowSample:
        return SlowSample(
            pod_index=self._pod_index,
            at_nanoseconds=max(0, sample.intended_ns - self._start_ns),
            response_nanoseconds=max(0, sample.finished_ns - sample.intended_ns),
            service_nanoseconds=max(0, sample.finished_ns - sample.sent_ns),
            address=sample.address,
            error=sample.error,
            status=sample.status,
            trace_id=sample.trace_id,
        )
