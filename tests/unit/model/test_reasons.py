"""Each reason has one name, and every text of it helps."""

import re
from enum import EnumType

import pytest

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.proof import ReadBackResult
from loadtest_model.measurement.snapshot import ProofLevel, Refusal
from loadtest_model.reason_groups import ReasonClass, ReasonGroup
from loadtest_model.reasons import Reason, UnknownReason, class_of_end, reason_of_name
from loadtest_model.report.status import Phase

CAMEL_CASE = re.compile(r"[A-Z][A-Za-z]+")


@pytest.mark.parametrize("kind", [Refusal, Verdict, Phase, ProofLevel, ReadBackResult])
def test_every_member_that_becomes_a_reason_is_one(kind: EnumType) -> None:
    never = {ProofLevel.NONE, ReadBackResult.NOTHING_STORED, Phase.COMPLETED}

    assert [str(member) for member in kind if member not in never and member not in Reason.__members__] == []


def test_a_reason_is_written_as_it_is_named() -> None:
    assert [reason.name for reason in Reason if f"{reason}" != reason.name] == []


def test_every_reason_is_one_that_the_schema_takes_and_every_text_one_sentence() -> None:
    for reason in Reason:
        assert CAMEL_CASE.fullmatch(reason)
        assert reason.meaning
        assert not reason.meaning.endswith(".")
        assert not reason.advice.endswith(".")


def test_the_advice_follows_the_message() -> None:
    assert Reason.NoRun.with_advice("no load was made.") == "no load was made."
    assert Reason.Unschedulable.with_advice("pod 0 waits.").startswith("pod 0 waits; lower spec.parallelism")


def test_a_reason_that_another_version_wrote_is_kept_as_it_is() -> None:
    assert reason_of_name("PodLost") is Reason.PodLost
    assert reason_of_name("PodWentAway") == "PodWentAway"


def test_what_can_only_end_a_test_before_its_load_is_never_of_the_class_of_a_load() -> None:
    before_load = {ReasonGroup.LINE, ReasonGroup.TARGET, ReasonGroup.SPEC, ReasonGroup.PODS}
    refusals = {Reason[refusal] for refusal in Refusal}

    early = [reason for reason in Reason if reason.group in before_load or reason in refusals]

    assert [reason for reason in early if reason.reason_class is ReasonClass.LOAD] == []


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (Reason.ParallelismAboveVirtualUsers, ReasonClass.MISCONFIGURED),
        (Reason.ServiceNotFound, ReasonClass.MISCONFIGURED),
        (Reason.WrongURL, ReasonClass.MISCONFIGURED),
        (Reason.TargetNotAllowed, ReasonClass.NOT_PERMITTED),
        (Reason.EndpointsNotReadable, ReasonClass.NOT_PERMITTED),
        (Reason.LoadTestHeaderIgnored, ReasonClass.REFUSED),
        (Reason.Unschedulable, ReasonClass.PREVENTED),
        (Reason.Stopped, ReasonClass.PREVENTED),
        (UnknownReason("FromALaterVersion"), ReasonClass.PREVENTED),
    ],
)
def test_the_class_of_an_end_tells_who_can_mend_it_and_a_load_is_always_one(
    reason: Reason, expected: ReasonClass
) -> None:
    assert class_of_end(reason, load_began=False) is expected
    assert class_of_end(reason, load_began=True) is ReasonClass.LOAD
