"""Every reason that a condition or an Event of a LoadTest may have, what it means and what to do about it.

The one list: docs/operator.md's tables are made from it, and a test holds the code against it.
"""

from dataclasses import dataclass
from typing import Final

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.measurement.proof import Shown
from loadtest_model.measurement.snapshot import ProofLevel, Refusal
from loadtest_model.report.status import Phase


@dataclass(frozen=True)
class Told:
    """`to_do` is empty where there is nothing to be done."""

    meaning: str
    to_do: str = ""


_POD = "look at `kubectl describe pod` of the pod that the message names"
_PULL = (
    "check the image in the operator's values (image.repository, image.tag), and name what its registry asks for in"
    " spec.pod.imagePullSecrets"
)
_NODE = (
    "lower spec.parallelism or spec.pod.resources.requests, check spec.pod.nodeSelector and spec.pod.tolerations, or"
    " add nodes"
)
_SPEC = "correct the field that the message names, in a new test or together with a new spec.runId"
_HINTED = "do what the message says; docs/troubleshooting.md has the causes one by one"
_AGAIN = "look at the message for the cause, then run again with a new spec.runId"

IN_LINE: Final = {
    "Suspended": Told("spec.suspend is true, so the test does not start", "set spec.suspend to false"),
    "TargetBusy": Told(
        "another test loads the same target, whatever host it names it by, or stands in line before this one",
        "wait, or set spec.concurrency: Allow in a test that may run beside others",
    ),
    "TestLimitReached": Told(
        "as many tests run as the installation allows", "wait, or have limits.tests raised in the operator's values"
    ),
    "PodLimitReached": Told(
        "the pods of the tests that run leave too few for this one",
        "wait, lower spec.parallelism, or have limits.pods raised in the operator's values",
    ),
    "EarlierRunEnding": Told(
        "pods of an earlier run of the same test have not ended yet",
        "wait; for pods of a node that is gone it is a minute past their end",
    ),
    "QueuedTooLong": Told(
        "it was not the test's turn within deadlines.queued", "look at what holds the target, then run again"
    ),
    "TooManyPods": Told(
        "the test asks for more pods than the installation ever allows",
        "lower spec.parallelism, or have the setting raised that the message names",
    ),
}

TARGET: Final = {
    "SpecTooNew": Told(
        "the spec has fields that this operator does not know, since the CustomResourceDefinition is newer",
        "upgrade the operator, or wait until the upgrade that is under way has ended",
    ),
    "TargetNotAllowed": Told(
        "a URL of the test names a host that the installation does not let tests load",
        "name a Service of the cluster, or have policy.targets in the operator's values extended",
    ),
    "SecretAccessUnchecked": Told(
        "the test names Secrets, and nobody asked whether its author may read them",
        "have admission.secretAccess switched on in the operator's values, and apply the test again",
    ),
    "EndpointsNotReadable": Told(
        "the operator may not read the endpoints behind the target's Service, so it cannot have each of them proven",
        "have the target's namespace added to watch.targetNamespaces in the operator's values, or set"
        " spec.verification.unreadableEndpoints to Accept, which lowers the claim",
    ),
    "TargetHasNoEndpoints": Told(
        "the target's Service has no ready endpoint", "check that the pods behind it run and are ready"
    ),
    "ServiceNotFound": Told("there is no Service of that name", "correct the host in spec.target.url"),
    "ServicePortMissing": Told("the Service has no such port", "correct the port in spec.target.url"),
    "ExternalNameRefused": Told(
        "the Service is of type ExternalName, which may point anywhere", "name the target itself in spec.target.url"
    ),
    "WorkloadNotFound": Told(
        "there is no workload as spec.target.workload names it", "correct its kind and name, or create it"
    ),
    "WorkloadHasNoPods": Told("the workload of spec.target.workload has no pod", "scale it up"),
    "WorkloadNotReadable": Told(
        "the operator may not read the workload of spec.target.workload", "give it the rights that its chart has"
    ),
    "WorkloadNotSeen": Told(
        "the workload of spec.target.workload was not read in time", "look at the API server if it stays so"
    ),
}

SPEC: Final = {
    reason: Told(meaning, _SPEC)
    for reason, meaning in {
        "SpecInvalid": "the spec cannot be read, or breaks a rule",
        "InvalidURL": "a URL of the spec cannot be used",
        "BatchSizeMissing": "spec.load.batchSize is missing",
        "DurationMissing": "nothing says how long the load lasts",
        "LoadContradicts": "two fields of spec.load contradict each other",
        "StagesEmpty": "the stages have no load in them",
        "StagesMixed": "spec.load.stages mixes virtual users and arrival rates",
        "WarmUpTooLong": "the warm-up leaves nothing to measure",
        "GracefulStopTooLong": "spec.load.gracefulStop is longer than the time-out",
        "ParallelismAboveVirtualUsers": "some pods would have no virtual user",
        "ParallelismAboveUploads": "some pods would have no upload",
        "ThresholdInvalid": "a threshold cannot be understood",
        "RecordsInvalid": "spec.records asks for what cannot be made",
        "ReadBackInvalid": "spec.verification.readBack cannot be used",
        "ReadBackMissing": "spec.verification.require is Proven without a readBack",
        "TLSWithoutHTTPS": "spec.target.tls stands beside an http URL",
        "PlanTooLarge": "the test's texts are longer than the environment of a pod holds",
    }.items()
}

PODS: Final = {
    "JobRefused": Told("the API server did not take the Job: a quota, an admission policy", "do what the message says"),
    "NetworkPolicyRefused": Told(
        "the API server did not take the NetworkPolicy that bounds the pods, so no Job was made",
        "do what the message says, or have pods.networkPolicy set to false in the operator's values",
    ),
    "PodLabelRefused": Told(
        "spec.pod.labels has a key that is not the test's to set",
        "remove it, or have its prefix added to pods.allowedPrefixes in the operator's values",
    ),
    "PodAnnotationRefused": Told(
        "spec.pod.annotations has a key that is not the test's to set",
        "remove it, or have its prefix added to pods.allowedPrefixes in the operator's values",
    ),
    "HostAliasRefused": Told(
        "an alias in spec.pod.hostAliases leads to where nothing may be sent, or takes a Service's name",
        "correct it, or have its network allowed by policy.allowed in the operator's values",
    ),
    "JobNameTaken": Told("a Job of that name belongs to something else", "remove it, or rename the test"),
    "ImageMissing": Told("the image of the pods cannot be pulled", _PULL),
    "Unschedulable": Told("no node takes the pods", _NODE),
    "SecretMissing": Told(
        "a Secret that the test names does not exist", "create it in the test's namespace, or correct its name"
    ),
    "SecretKeyMissing": Told(
        "the Secret has no such key", "add the key to the Secret, or correct its name in the spec"
    ),
    "ConfigMapMissing": Told(
        "a ConfigMap that the test names does not exist", "create it in the test's namespace, or correct its name"
    ),
    "ConfigMapKeyMissing": Told(
        "the ConfigMap has no such key", "add the key to the ConfigMap, or correct its name in the spec"
    ),
    "VolumeNotMounted": Told("a volume of a pod cannot be mounted", _POD),
    "ContainerNotCreated": Told("the container cannot be made", _POD),
    "PodNotStarting": Told("a pod does not get to run", _POD),
    "QuotaExceeded": Told(
        "a ResourceQuota of the namespace has no room for the pods",
        "wait for room, lower spec.parallelism or spec.pod.resources, or have the quota raised",
    ),
    "QuotaNeedsResources": Told(
        "a ResourceQuota of the namespace wants a resource to be stated that the pods do not state",
        "state it in spec.pod.resources",
    ),
    "LimitRangeRefused": Told(
        "a LimitRange of the namespace does not allow the pods' resources, or gives them a limit below their request",
        "set requests and limits in spec.pod.resources that the LimitRange allows",
    ),
    "PodSecurityRefused": Told(
        "the namespace's Pod Security level refuses the pods, most often for what a mesh's injector or another"
        " webhook adds to them: of themselves they keep to `restricted`",
        "switch the injection off for this namespace's load tests, or run the test in another namespace",
    ),
    "PodsRefused": Told(
        "an admission policy or webhook refuses the pods", "change what the message names, or have it allow the pods"
    ),
    "PodsNotStarted": Told("not all pods ran within deadlines.starting", _POD),
    "PodCrashed": Told("a pod ended before it could verify; the message has the last warnings of its log", _AGAIN),
    "ControlBlocked": Told(
        "a pod runs, but the operator gets no answer from it",
        "raise a CPU limit that the message names; else let the operator's namespace reach port 8089 of the pods"
        " (NetworkPolicy, mesh)",
    ),
}

VERIFICATION: Final = {
    "NotVerified": Told("the target has not been verified yet"),
    str(Phase.VERIFYING): Told("the pods verify the target"),
    **{
        str(level): Told(meaning)
        for level, meaning in {
            ProofLevel.ACKNOWLEDGED: "the target confirmed the header and counted the rows right",
            ProofLevel.ECHOED: "it also returned each request's nonce",
            ProofLevel.PROVEN: "reading back showed that nothing was stored",
        }.items()
    },
    "VerificationRefused": Told("the target was not proven, and no load was made", _HINTED),
    "VerificationTimedOut": Told("the pods were not verified in time", _AGAIN),
    **{
        str(refusal): Told(meaning, _HINTED)
        for refusal, meaning in {
            Refusal.DNS: "the target's name does not resolve",
            Refusal.ADDRESS_DENIED: "the target's address is one that may not be loaded here",
            Refusal.REFUSED: "nobody listens at the target's address and port",
            Refusal.TLS: "the TLS handshake failed",
            Refusal.TIMEOUT: "the target did not answer in time",
            Refusal.RESET: "the connection was cut",
            Refusal.REDIRECT: "the target answered with a redirect, which is never followed",
            Refusal.UNAUTHORIZED: "the token was not accepted",
            Refusal.EXPIRING: "the token would expire before the load ends",
            Refusal.FORBIDDEN: "access was denied",
            Refusal.NOT_FOUND: "there is nothing at the URL's path",
            Refusal.TOO_LARGE: "a batch is larger than the target takes",
            Refusal.MARKER_MISSING: "the answer did not say load_test_mode: the header was ignored",
            Refusal.MARKER_FALSE: "the answer said that it was no load test",
            Refusal.MISCOUNTED: "the rows were not counted right",
            Refusal.NOT_ECHOED: "the nonce was not returned",
            Refusal.REJECTED: "an upload of the verification was rejected",
            Refusal.SERVER_ERROR: "the target failed with an error of its own",
            Refusal.BAD_ANSWER: "the answer was not what the contract says",
            Refusal.READ_BACK: "what the target has stored could not be read",
            Refusal.READ_BACK_CONTROL: "the read-back did not find what is known to exist, so it proves nothing",
            Refusal.STORED: "rows of the verification were found stored",
            Refusal.THROTTLED: "the CPU limit of the pods is too low to verify the target with",
        }.items()
    },
}

LOAD: Final = {
    "NotStarted": Told("the load has not started"),
    "Started": Told("the load runs"),
    "Finished": Told("every pod has finished its share"),
    "StartMissed": Told("a pod did not start with the others, so the fleet was halted", _AGAIN),
    "Violation": Told(
        "an answer without a true marker, or a redirect: rows may have been stored, and the fleet was halted",
        "look for the rows that the message names, and mend the target before anything else",
    ),
    "Aborted": Told("a bound of spec.abort was breached"),
    "Stopped": Told("spec.stop was set", "to run again, set spec.stop to false together with a new spec.runId"),
    "PodLost": Told(
        "a pod was lost, and with it a part of the load",
        "do what the message begins with, then run again with a new spec.runId",
    ),
    "GeneratorDefect": Told("a pod ended with a defect of the generator", "please report it with the pod's log"),
    "Halted": Told("a pod was halted", _AGAIN),
    "JobGone": Told("the run's Job was removed while the test ran; it is never made a second time", _AGAIN),
    "JobFailed": Told("the run's Job failed", _AGAIN),
    "JobDeadlineExceeded": Told("the run took longer than all its parts together may", _AGAIN),
}

RESULTS: Final = {
    "InProgress": Told("the test has not ended"),
    "AllPodsReported": Told("the last snapshot of every pod is known"),
    "ResultsMissing": Told("what a lost pod measured last is missing"),
    "ResultsNotWritten": Told("the ConfigMap of the results could not be written", "do what the message says"),
    "NoRun": Told("no load was made"),
    "FinishedEarlier": Told(
        "an annotation tells that this run was over before the status was lost", "set a new spec.runId to run again"
    ),
}

VERDICT: Final = {
    str(Verdict.PASSED): Told("every threshold held, and every upload was confirmed as a load test"),
    str(Verdict.FAILED): Told("a bound was breached, or the target was not safe to load"),
    str(Verdict.INCONCLUSIVE): Told("the run says neither; the reasons say why"),
    "ThresholdBreached": Told("a threshold was breached", "look at the values in status.thresholds"),
    "HealthCritical": Told("the target's health was Critical", "look at the evidence in status.health"),
    "TargetVanished": Told(
        "every proven address of the target vanished", "look at the pods behind the target's Service"
    ),
    "RecordsNotSent": Told("not all of spec.load.records was sent in time", "give the load more time"),
    "GeneratorSaturated": Told(
        "the generator was at its own limit, so its times say nothing of the target",
        "raise spec.parallelism or the pods' CPU (spec.pod.resources)",
    ),
    "TooFewSamples": Told("too few uploads were measured for a threshold", "let the load last longer"),
    **{
        str(shown): Told(meaning, to_do)
        for shown, (meaning, to_do) in {
            Shown.UNSTEADY: (
                "what is stored changed while nothing was sent, so the read-back shows nothing",
                "keep other writers away from the target while the test runs",
            ),
            Shown.UNFINISHED: ("what the target has stored was not read back", _AGAIN),
        }.items()
    },
}

PHASES: Final = {
    str(Phase.QUEUED): Told("the test waits"),
    str(Phase.STARTING): Told("its pods are being made"),
    str(Phase.RUNNING): Told("the load runs"),
    str(Phase.STOPPING): Told("the run is being ended before its time"),
    "Verified": Told("every pod has proved the target"),
}

GROUPS: Final = {
    "Waiting for its turn": IN_LINE,
    "The target": TARGET,
    "The spec": SPEC,
    "The pods": PODS,
    "The verification": VERIFICATION,
    "The load": LOAD,
    "The results": RESULTS,
    "The verdict": VERDICT,
    "Events of a phase": PHASES,
}

REASONS: Final = {reason: told for group in GROUPS.values() for reason, told in group.items()}


def with_to_do(reason: str, message: str) -> str:
    """A message that ends with what to do about its reason."""
    to_do = REASONS[reason].to_do
    return f"{message.rstrip('.')}; {to_do}" if to_do else message
