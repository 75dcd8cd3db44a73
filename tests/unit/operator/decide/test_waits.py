"""What pods that do not run wait for, from the words of Kubernetes' own parts."""

import pytest

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.report.status import ConditionType, Phase
from loadtest_operator.decide import decide
from loadtest_operator.decide.fleet import Fleet
from loadtest_operator.decide.waits import FleetWait, find_wait
from loadtest_operator.facts.observation import Complaint
from loadtest_operator.facts.quantities import quantity
from support.operator_builders import PLAN, POLICY, a_pending_pod, a_pod, an_observation, decide_end

MOUNT = 'MountVolume.SetUp failed for volume "auth" : '
QUOTA = 'Error creating: pods "heavy-1-0-abcde" is forbidden: exceeded quota: q, '
PSA = (
    'Error creating: pods "heavy-1-0-abcde" is forbidden: violates PodSecurity "restricted:latest":'
    " host namespaces (hostNetwork=true)"
)


def found(*pods: object, complaints: tuple[Complaint, ...] = ()) -> FleetWait | None:
    observation = an_observation(*pods, complaints=complaints)  # type: ignore[arg-type]
    return find_wait(observation, Fleet(PLAN, observation.pods, 30))


def about_the_job(message: str) -> tuple[Complaint, ...]:
    return (Complaint("job-1", "FailedCreate", message),)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ErrImagePull: no such image", "ImageMissing"),
        ('ImagePullBackOff: Back-off pulling image "loadgen:1"', "ImageMissing"),
        ("InvalidImageName: no", "ImageMissing"),
        ("Unschedulable: 0/3 nodes are available", "Unschedulable"),
        ('CreateContainerConfigError: secret "shop-token" not found', "SecretMissing"),
        ("CreateContainerConfigError: couldn't find key jwt in Secret shop/shop-token", "SecretKeyMissing"),
        ("CreateContainerError: context deadline exceeded", "ContainerNotCreated"),
        ("SomethingNew: of a later kubelet", "PodNotStarting"),
    ],
)
def test_what_a_pod_says_itself_is_explained(words: str, expected: str) -> None:
    wait = found(a_pending_pod(0, words), a_pod(1))

    assert wait is not None
    assert wait.reason == expected
    assert words in wait.message
    assert "heavy-1-0" in wait.message
    assert not wait.is_certain


@pytest.mark.parametrize(
    ("reason", "words", "expected"),
    [
        ("FailedMount", f'{MOUNT}secret "shop-token" not found', "SecretMissing"),
        ("FailedMount", f"{MOUNT}references non-existent secret key: jwt", "SecretKeyMissing"),
        ("FailedMount", f'{MOUNT}configmap "ca" not found', "ConfigMapMissing"),
        ("FailedMount", f"{MOUNT}configmap references non-existent config key: ca.crt", "ConfigMapKeyMissing"),
        ("FailedMount", f"{MOUNT}permission denied", "VolumeNotMounted"),
        ("FailedCreatePodSandBox", "failed to set up the network", "PodNotStarting"),
    ],
)
def test_what_only_an_event_of_the_pod_tells_is_explained(reason: str, words: str, expected: str) -> None:
    wait = found(a_pending_pod(0), a_pod(1), complaints=(Complaint("pod-0", reason, words),))

    assert wait is not None
    assert wait.reason == expected
    assert words in wait.message


@pytest.mark.parametrize(
    ("words", "expected", "certain"),
    [
        (PSA, "PodSecurityRefused", True),
        (f"{QUOTA}requested: pods=1, used: pods=4, limited: pods=4", "QuotaExceeded", False),
        (f"{QUOTA}requested: pods=1, used: pods=0, limited: pods=1", "QuotaExceeded", True),
        (
            f"{QUOTA}requested: limits.memory=512Mi,pods=1, used: limits.memory=0,pods=0,"
            " limited: limits.memory=900Mi,pods=9",
            "QuotaExceeded",
            True,
        ),
        ("Error creating: pods is forbidden: failed quota: q: must specify limits.cpu", "QuotaNeedsResources", True),
        (
            'Error creating: pods "x" is forbidden: maximum memory usage per Container is 64Mi, but limit is 512Mi',
            "LimitRangeRefused",
            True,
        ),
        (
            'Error creating: Pod "heavy-1-0-abcde" is invalid: spec.containers[0].resources.requests: Invalid value:'
            ' "500m": must be less than or equal to cpu limit of 200m',
            "LimitRangeRefused",
            True,
        ),
        (
            'Error creating: Pod "heavy-1-0-abcde" is invalid: spec.volumes[0].name: Required value',
            "PodsRefused",
            False,
        ),
        ("Error creating: pods is forbidden: ValidatingAdmissionPolicy 'ours' denied request", "PodsRefused", False),
    ],
)
def test_a_refusal_of_pods_is_known_from_the_jobs_event_alone(words: str, expected: str, certain: bool) -> None:
    wait = found(complaints=about_the_job(words))

    assert wait is not None
    assert (wait.reason, wait.is_certain) == (expected, certain)
    assert "abcde" not in wait.message


def test_a_fleet_that_is_just_being_made_waits_for_nothing_in_particular() -> None:
    assert found(a_pending_pod(0), a_pending_pod(1)) is None


def test_a_refusal_of_a_fleet_that_is_there_by_now_is_old_news() -> None:
    assert found(a_pod(0), a_pod(1), complaints=about_the_job(PSA)) is None


def test_a_wait_that_may_end_is_told_and_waited_for() -> None:
    decision = decide(an_observation(a_pending_pod(0, "ErrImagePull: no such image"), a_pending_pod(1)), POLICY)

    assert decision.status is not None
    assert decision.status.phase is Phase.STARTING
    verified = decision.status.condition(ConditionType.VERIFIED)
    assert verified is not None
    assert (verified.status, verified.reason) == ("False", "ImageMissing")
    assert "spec.pod.imagePullSecrets" in verified.message


def test_a_wait_that_is_certainly_in_vain_ends_the_test_at_once() -> None:
    decision = decide_end(an_observation(complaints=about_the_job(PSA)))

    assert decision.status is not None
    assert (decision.status.phase, decision.status.verdict) == (Phase.COMPLETED, Verdict.INCONCLUSIVE)
    succeeded = decision.status.condition(ConditionType.SUCCEEDED)
    assert succeeded is not None
    assert succeeded.reason == "PodSecurityRefused"
    complete = decision.status.condition(ConditionType.RESULTS_COMPLETE)
    assert complete is not None
    assert (complete.status, complete.reason) == ("False", "NoRun")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0.0),
        ("500m", 0.5),
        ("1500u", 0.0015),
        ("2k", 2e3),
        ("52340Ki", 52_340 * 1024.0),
        ("1.5Gi", 1.5 * 2**30),
        ("1e3", 1e3),
        ("3", 3.0),
        ("", None),
        ("k", None),
        ("1Xi", None),
    ],
)
def test_quantities_are_read(text: str, number: float | None) -> None:
    assert quantity(text) == (None if number is None else pytest.approx(number))
