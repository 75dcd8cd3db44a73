"""Sections that only some runs have."""

from msgspec import structs

from loadtest_model.pages.distribution import distribution_section
from loadtest_model.pages.elements import Element
from loadtest_model.pages.health import health_section, only_step_name
from loadtest_model.pages.proof import proof_section
from loadtest_model.pages.target import target_section
from loadtest_model.report.figures import PartsTimes, PartTimes
from loadtest_model.report.summary import TargetUse
from support.report_cases import passed

SUMMARY = passed().summary


def text_of(section: Element | None) -> str:
    assert section is not None
    return " ".join(" ".join(section.itertext()).split())


def test_every_part_of_an_uploads_time_has_a_row_in_the_report() -> None:
    names = PartsTimes.__struct_fields__
    parts = PartsTimes(**{name: PartTimes(uploads=1_001 + n, avg=0.1, max=0.2) for n, name in enumerate(names)})
    steps = tuple(structs.replace(step, parts_seconds=parts) for step in SUMMARY.steps)

    text = text_of(distribution_section(structs.replace(SUMMARY, steps=steps)))

    assert [f"{1_001 + n:,}" for n in range(len(names)) if f"{1_001 + n:,} 100 ms" not in text] == []


def test_the_target_is_shown_with_what_was_observed_and_without_what_was_not() -> None:
    use = TargetUse(memory_bytes=1_500_000_000, restarts=2, oom_kills=1, rolled_out=False, not_ready_seconds=0.0)
    text = text_of(target_section(structs.replace(SUMMARY, target=use)))

    assert "Memory, at most 1.5 GB Restarts 2 Of these for lack of memory 1 Rolled out under load no" in text
    assert "Fewer pods ready than at the start never" in text
    assert "CPU" not in text
    assert target_section(structs.replace(SUMMARY, target=TargetUse())) is None


def test_what_could_not_be_measured_of_the_target_says_why() -> None:
    use = TargetUse(not_measurable="the cluster has no metrics API")

    assert "not measured: the cluster has no metrics API." in text_of(
        target_section(structs.replace(SUMMARY, target=use))
    )


def test_what_weakens_the_proof_stands_beside_it() -> None:
    proof = structs.replace(
        SUMMARY.verification,
        notice="a mesh is between",
        unechoed=3,
        unverified=("10.0.0.9:80",),
        vanished=("10.0.0.8:80",),
    )
    text = text_of(proof_section(proof))

    for part in ("A mesh is between.", "3 accepted answers did not return the nonce", "10.0.0.9:80", "10.0.0.8:80"):
        assert part in text


def test_a_warning_is_said_not_to_change_the_verdict() -> None:
    text = text_of(health_section(SUMMARY.health, only_step_name(SUMMARY)))

    assert "Warning" in text
    assert "A warning does not change the verdict." in text
    assert "custom:" not in text
