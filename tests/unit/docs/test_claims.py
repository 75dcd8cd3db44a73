"""Below Proven nothing that is written says that no record was stored."""

import re
from pathlib import Path

import pytest

from loadtest_model.measurement.proof import PROVING_MOMENTS, ReadBackReport, Reading
from loadtest_model.measurement.snapshot import PodState, ProofLevel, VerificationReport
from loadtest_model.plan import compile_plan
from loadtest_operator.decide import decide
from support.builders import IDENTITY
from support.operator_builders import POLICY, a_fleet_spec, a_job, a_pod, a_snapshot, an_observation

REPOSITORY = Path(__file__).resolve().parents[3]
SHIPPED = ("docs", "charts", "crds", "examples", "model", "control", "live", "loadgen", "operator")
SUFFIXES = {".md", ".py", ".yaml", ".toml", ".txt", ".json", ".js", ".cjs"}
CLAIM = re.compile(
    r"\b(no|not a|not one|without an?|without any|single|zero)\b[^.\n]{0,20}\b(records?|rows?)\b[^.\n]{0,30}"
    r"\b(stored|written|saved|reach\w*)\b|\bnothing (was|is|were|has been|gets) (stored|saved)\b",
    re.IGNORECASE,
)
OF_PROVEN = re.compile(r"proven|read(ing)?.?back", re.IGNORECASE)
NEIGHBOUR_LINES = 2


def shipped_files() -> list[Path]:
    beside = [*REPOSITORY.glob("*.md"), REPOSITORY / "pyproject.toml", REPOSITORY / "Dockerfile"]
    within = [path for folder in SHIPPED for path in (REPOSITORY / folder).rglob("*") if path.suffix in SUFFIXES]
    return beside + within


def claims_in(text: str) -> list[str]:
    """Lines that say so where neither they nor their neighbours speak of the proof that it takes."""
    lines = text.splitlines()
    return [
        line
        for number, line in enumerate(lines)
        if CLAIM.search(line)
        and not OF_PROVEN.search("\n".join(lines[max(0, number - NEIGHBOUR_LINES) : number + NEIGHBOUR_LINES + 1]))
    ]


@pytest.mark.parametrize(
    "claim",
    [
        "It passed, without a single record reaching the database.",
        "Acknowledged: no rows were stored.",
        "Nothing was stored by this run.",
        "not a single row was written",
    ],
)
def test_a_claim_is_known_as_one(claim: str) -> None:
    assert claims_in(claim) == [claim]


def test_no_file_claims_it_where_the_proof_is_not_spoken_of() -> None:
    claims_by_file = {
        str(path.relative_to(REPOSITORY)): claims
        for path in shipped_files()
        if (claims := claims_in(path.read_text(errors="replace")))
    }

    assert claims_by_file == {}


@pytest.mark.parametrize("level", [ProofLevel.ACKNOWLEDGED, ProofLevel.ECHOED])
@pytest.mark.parametrize("state", [PodState.VERIFIED, PodState.RUNNING, PodState.LOADED, PodState.DONE])
@pytest.mark.parametrize("rows", [None, (), (3, 3), (3, 3, 3), (3, 3, 3, 2), (3, 3, 3, 4)])
def test_no_status_below_proven_claims_it(level: ProofLevel, state: PodState, rows: tuple[int, ...] | None) -> None:
    read_back = {"url": "http://clients.shop.svc:8000/clients/count/", "countPath": "count"}
    spec = a_fleet_spec(parallelism=1, verification={"readBack": read_back} if rows is not None else {})
    readings = tuple(
        Reading(moment=moment, rows=count) for moment, count in zip(PROVING_MOMENTS, rows or (), strict=False)
    )
    proof = VerificationReport(
        level=level,
        message="acknowledged",
        addresses=("10.0.0.5:8000",),
        read_back=ReadBackReport(settle_seconds=5, readings=readings) if rows is not None else None,
    )
    pod = a_pod(0, state, snapshot=a_snapshot(0, state, verification=proof))
    plan = compile_plan(spec, IDENTITY, addresses=("10.0.0.5:8000",))

    decision = decide(
        an_observation(pod, spec=spec, job=a_job(plan=plan), begun=state is not PodState.VERIFIED), POLICY
    )

    assert decision.status is not None
    assert decision.status.verification is None or decision.status.verification.level is level
    status_text = str(decision.status)
    assert CLAIM.search(status_text) is None, CLAIM.search(status_text)
    assert "found no stored row" not in status_text
