"""What Prometheus is told of a climb, while it runs and after a restart of the operator."""

from dataclasses import replace

from msgspec import structs

from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.report.capacity import StatusCapacity
from loadtest_model.report.status import Status
from loadtest_model.spec.capacity import ClimbBy
from loadtest_operator.facts.observation import Observation
from loadtest_operator.program.run_families import run_families
from loadtest_operator.program.run_views import RunView, live_view, recorded_view
from support.operator_builders import an_observation, status_json

CAPACITY = StatusCapacity(by=ClimbBy.ARRIVAL_RATE, held=12.5, at_least=True, required=10.0)


def families_of(view: RunView) -> dict[str, list[tuple[dict[str, str], float]]]:
    families = run_families({("shop", "climb"): view})
    return {
        family.name: [(sample.labels, sample.value) for sample in family.samples]
        for family in families
        if family.name.startswith("loadtest_capacity")
    }


def views(capacity: StatusCapacity | None) -> list[RunView]:
    """The view of a running test, and that of its status."""
    status = structs.replace(Status(), capacity=capacity)
    observation: Observation = an_observation(begun=True)
    recorded = replace(observation, test=replace(observation.test, status=status_json(status)))
    return [live_view(observation, status, None, Aggregate()), recorded_view(recorded)]


def test_a_climb_shows_what_held_and_what_had_to_hold() -> None:
    labels = {"namespace": "shop", "test": "climb", "by": "arrivalRate"}

    for view in views(CAPACITY):
        assert families_of(view) == {
            "loadtest_capacity": [(labels, 12.5)],
            "loadtest_capacity_at_least": [(labels, 1.0)],
            "loadtest_capacity_knee": [],
            "loadtest_capacity_required": [(labels, 10.0)],
        }


def test_a_test_of_another_scenario_shows_no_capacity() -> None:
    for view in views(None):
        assert not any(families_of(view).values())
