"""Every reason that a condition or an Event of a LoadTest may have, with its meaning and advice.

This is the only list. Conditions, Events and decisions take their reasons from it, and the tables in docs/operator.md
are generated from it.
"""

from functools import partial
from typing import Final, NewType

from loadtest_model.reason_groups import ExplainedReason, ReasonClass, ReasonGroup, reason_member

_LOOK_AT_THE_POD: Final = "look at `kubectl describe pod` of the pod that the message names"
_CHECK_THE_IMAGE: Final = (
    "check the image in the operator's values (image.repository, image.tag), and name what its registry asks for in"
    " spec.pod.imagePullSecrets"
)
_MAKE_ROOM_ON_NODES: Final = (
    "lower spec.parallelism or spec.pod.resources.requests, check spec.pod.nodeSelector and spec.pod.tolerations, or"
    " add nodes"
)
_CORRECT_THE_SPEC: Final = "correct the field that the message names, in a new test or together with a new spec.runId"
_FOLLOW_THE_MESSAGE: Final = "do what the message says; docs/troubleshooting.md has the causes one by one"
_RUN_AGAIN: Final = "look at the message for the cause, then run again with a new spec.runId"

_prevented: Final = partial(reason_member, reason_class=ReasonClass.PREVENTED)
_misconfigured: Final = partial(reason_member, reason_class=ReasonClass.MISCONFIGURED)
_unpermitted: Final = partial(reason_member, reason_class=ReasonClass.NOT_PERMITTED)

_line: Final = partial(_prevented, ReasonGroup.LINE)
_unpermitted_line: Final = partial(_unpermitted, ReasonGroup.LINE)
_target: Final = partial(_prevented, ReasonGroup.TARGET)
_misconfigured_target: Final = partial(_misconfigured, ReasonGroup.TARGET)
_unpermitted_target: Final = partial(_unpermitted, ReasonGroup.TARGET)
_spec: Final = partial(_misconfigured, ReasonGroup.SPEC, advice=_CORRECT_THE_SPEC)
_pods: Final = partial(_prevented, ReasonGroup.PODS)
_misconfigured_pods: Final = partial(_misconfigured, ReasonGroup.PODS)
_unpermitted_pods: Final = partial(_unpermitted, ReasonGroup.PODS)
_verification: Final = partial(reason_member, ReasonGroup.VERIFICATION)
_unproven: Final = partial(_prevented, ReasonGroup.VERIFICATION)
_refusal: Final = partial(
    reason_member, ReasonGroup.VERIFICATION, advice=_FOLLOW_THE_MESSAGE, reason_class=ReasonClass.REFUSED
)
_misconfigured_refusal: Final = partial(_misconfigured, ReasonGroup.VERIFICATION, advice=_FOLLOW_THE_MESSAGE)
_unpermitted_refusal: Final = partial(_unpermitted, ReasonGroup.VERIFICATION, advice=_FOLLOW_THE_MESSAGE)
_load: Final = partial(reason_member, ReasonGroup.LOAD)
_results: Final = partial(reason_member, ReasonGroup.RESULTS)
_verdict: Final = partial(reason_member, ReasonGroup.VERDICT)
_phase: Final = partial(reason_member, ReasonGroup.PHASES)


class Reason(ExplainedReason):
    """A reason, named as conditions and Events show it."""

    Suspended = _line("spec.suspend is true, so the test does not start", "set spec.suspend to false")
    TargetBusy = _line(
        "another test loads the same target, whatever host it names it by, or stands in line before this one",
        "wait, or set spec.concurrency: Allow in a test that may run beside others",
    )
    TestLimitReached = _line(
        "as many tests run as the installation allows", "wait, or have limits.tests raised in the operator's values"
    )
    PodLimitReached = _line(
        "the pods of the tests that run leave too few for this one",
        "wait, lower spec.parallelism, or have limits.pods raised in the operator's values",
    )
    EarlierRunEnding = _line(
        "pods of an earlier run of the same test have not ended yet, or its Job is being removed",
        "wait; for pods of a node that is gone it is a minute past their end",
    )
    QueuedTooLong = _line(
        "it was not the test's turn within deadlines.queued", "look at what holds the target, then run again"
    )
    TooManyPods = _unpermitted_line(
        "the test asks for more pods than the installation ever allows",
        "lower spec.parallelism, or have the setting raised that the message names",
    )

    SpecTooNew = _target(
        "the spec has fields that this operator does not know, since the CustomResourceDefinition is newer",
        "upgrade the operator, or wait until the upgrade that is under way has ended",
    )
    TargetNotAllowed = _unpermitted_target(
        "a URL of the test names a host that the installation does not let tests load",
        "name a Service of the cluster, or have policy.targets in the operator's values extended",
    )
    SecretAccessUnchecked = _unpermitted_target(
        "the test names Secrets, and nobody asked whether its author may read them",
        "have admission.secretAccess switched on in the operator's values, and apply the test again",
    )
    EndpointsNotReadable = _unpermitted_target(
        "the operator may not read the endpoints behind the target's Service, so it cannot have each of them proven",
        "have the target's namespace added to watch.targetNamespaces in the operator's values, or set"
        " spec.verification.unreadableEndpoints to Accept, which lowers the claim",
    )
    TargetHasNoEndpoints = _target(
        "the target's Service has no ready endpoint", "check that the pods behind it run and are ready"
    )
    ServiceNotFound = _misconfigured_target("there is no Service of that name", "correct the host in spec.target.url")
    ServicePortMissing = _misconfigured_target("the Service has no such port", "correct the port in spec.target.url")
    ExternalNameRefused = _unpermitted_target(
        "the Service is of type ExternalName, which may point anywhere", "name the target itself in spec.target.url"
    )
    ServiceNotUsable = _misconfigured_target(
        "a Service of another namespace does not exist, lacks the port or a ready endpoint, or is of type ExternalName:"
        " which of these only those learn who may read it",
        "correct the URL that the message names, or have the Service mended",
    )
    WorkloadNotFound = _misconfigured_target(
        "there is no workload as spec.target.workload names it", "correct its kind and name, or create it"
    )
    WorkloadHasNoPods = _target("the workload of spec.target.workload has no pod", "scale it up")
    WorkloadNotReadable = _unpermitted_target(
        "the operator may not read the workload of spec.target.workload", "give it the rights that its chart has"
    )
    WorkloadNotSeen = _target(
        "the workload of spec.target.workload was not read in time", "look at the API server if it stays so"
    )

    SpecInvalid = _spec("the spec cannot be read, or breaks a rule")
    InvalidURL = _spec("a URL of the spec cannot be used")
    BatchSizeMissing = _spec("spec.load.batchSize is missing")
    DurationMissing = _spec("nothing says how long the load lasts")
    LoadContradicts = _spec("two fields of spec.load contradict each other")
    StagesEmpty = _spec("the stages have no load in them")
    StagesMixed = _spec("spec.load.stages mixes virtual users and arrival rates")
    WarmUpTooLong = _spec("the warm-up leaves nothing to measure")
    PlateauTooShort = _spec("no plateau of the climb would make the uploads that a threshold needs")
    GracefulStopTooLong = _spec("spec.load.gracefulStop is longer than the time-out")
    ParallelismAboveVirtualUsers = _spec("some pods would have no virtual user")
    ParallelismAboveUploads = _spec("some pods would have no upload")
    ThresholdInvalid = _spec("a threshold cannot be understood")
    RecordsInvalid = _spec("spec.records asks for what cannot be made")
    ReadBackInvalid = _spec("spec.verification.readBack cannot be used")
    ReadBackMissing = _spec("spec.verification.require is Proven without a readBack")
    TLSWithoutHTTPS = _spec("spec.target.tls stands beside an http URL")
    PlanTooLarge = _spec(
        "the test's texts, or the addresses of its target, are longer than the environment of a pod holds"
    )

    JobRefused = _pods(
        "the API server did not take the Job: an invalid field, a quota, an admission policy",
        "do what the message says",
    )
    NamespaceTerminating = _pods(
        "the test's namespace is being deleted, and with it the test", "run the test in another namespace"
    )
    NetworkPolicyRefused = _pods(
        "the API server did not take the NetworkPolicy that bounds the pods, so no Job was made",
        "do what the message says, or have pods.networkPolicy set to false in the operator's values",
    )
    PodLabelRefused = _unpermitted_pods(
        "spec.pod.labels has a key that is not the test's to set",
        "remove it, or have its prefix added to pods.allowedPrefixes in the operator's values",
    )
    PodAnnotationRefused = _unpermitted_pods(
        "spec.pod.annotations has a key that is not the test's to set",
        "remove it, or have its prefix added to pods.allowedPrefixes in the operator's values",
    )
    HostAliasRefused = _unpermitted_pods(
        "an alias in spec.pod.hostAliases leads to where nothing may be sent, or takes a Service's name",
        "correct it, or have its network allowed by policy.allowed in the operator's values",
    )
    JobNameTaken = _misconfigured_pods("a Job of that name belongs to something else", "remove it, or rename the test")
    ImageMissing = _pods("the image of the pods cannot be pulled", _CHECK_THE_IMAGE)
    Unschedulable = _pods("no node takes the pods", _MAKE_ROOM_ON_NODES)
    SecretMissing = _misconfigured_pods(
        "a Secret that the test names does not exist", "create it in the test's namespace, or correct its name"
    )
    SecretKeyMissing = _misconfigured_pods(
        "the Secret has no such key", "add the key to the Secret, or correct its name in the spec"
    )
    ConfigMapMissing = _misconfigured_pods(
        "a ConfigMap that the test names does not exist", "create it in the test's namespace, or correct its name"
    )
    ConfigMapKeyMissing = _misconfigured_pods(
        "the ConfigMap has no such key", "add the key to the ConfigMap, or correct its name in the spec"
    )
    VolumeNotMounted = _pods("a volume of a pod cannot be mounted", _LOOK_AT_THE_POD)
    ContainerNotCreated = _pods("the container cannot be made", _LOOK_AT_THE_POD)
    PodNotStarting = _pods("a pod does not get to run", _LOOK_AT_THE_POD)
    QuotaExceeded = _pods(
        "a ResourceQuota of the namespace has no room for the pods",
        "wait for room, lower spec.parallelism or spec.pod.resources, or have the quota raised",
    )
    QuotaNeedsResources = _misconfigured_pods(
        "a ResourceQuota of the namespace wants a resource to be stated that the pods do not state",
        "state it in spec.pod.resources",
    )
    LimitRangeRefused = _misconfigured_pods(
        "a LimitRange of the namespace does not allow the pods' resources, or gives them a limit below their request",
        "set requests and limits in spec.pod.resources that the LimitRange allows",
    )
    PodSecurityRefused = _unpermitted_pods(
        "the namespace's Pod Security level refuses the pods, most often for what a mesh's injector or another"
        " webhook adds to them: of themselves they keep to `restricted`",
        "switch the injection off for this namespace's load tests, or run the test in another namespace",
    )
    PodsRefused = _unpermitted_pods(
        "an admission policy or webhook refuses the pods", "change what the message names, or have it allow the pods"
    )
    PodsNotStarted = _pods("not all pods ran within deadlines.starting", _LOOK_AT_THE_POD)
    PodCrashed = _pods("a pod ended before it could verify; the message has the last warnings of its log", _RUN_AGAIN)
    ControlBlocked = _pods(
        "a pod runs, but the operator gets no answer from it",
        "raise a CPU limit that the message names; else let the operator's namespace reach port 8089 of the pods"
        " (NetworkPolicy, mesh)",
    )

    NotVerified = _verification("the target has not been verified yet")
    Verifying = _verification("the pods verify the target")
    Acknowledged = _verification("the target confirmed the header and counted the rows right")
    Echoed = _verification("it also returned each request's nonce")
    Proven = _verification("reading back showed that nothing was stored")
    VerificationRefused = _refusal("the target was not proven, and no load was made")
    VerificationTimedOut = _unproven("the pods were not verified in time", _RUN_AGAIN)
    NameNotResolved = _misconfigured_refusal("the target's name does not resolve")
    AddressNotAllowed = _unpermitted_refusal("the target's address is one that may not be loaded here")
    ConnectionRefused = _refusal("nobody listens at the target's address and port")
    TLSFailed = _refusal("the TLS handshake failed")
    TargetTimedOut = _refusal("the target did not answer in time")
    ConnectionReset = _refusal("the connection was cut")
    TargetRedirects = _refusal("the target answered with a redirect, which is never followed")
    AuthenticationFailed = _misconfigured_refusal("the token was not accepted")
    TokenExpiresTooSoon = _misconfigured_refusal("the token would expire before the load ends")
    Forbidden = _unpermitted_refusal("access was denied")
    WrongURL = _misconfigured_refusal("there is nothing at the URL's path")
    BatchTooLarge = _refusal("a batch is larger than the target takes")
    LoadTestHeaderIgnored = _refusal("the answer did not say load_test_mode: the header was ignored")
    LoadTestHeaderNotHonoured = _refusal("the answer said that it was no load test")
    RowsMiscounted = _refusal("the rows were not counted right")
    NonceNotEchoed = _refusal("the nonce was not returned")
    UploadRejected = _refusal("an upload of the verification was rejected")
    TargetServerError = _refusal("the target failed with an error of its own")
    AnswerNotUnderstood = _refusal("the answer was not what the contract says")
    AnswerUnreadable = _refusal("an answer is encoded in a way that is not read here, or is too long")
    ReadBackFailed = _refusal("what the target has stored could not be read")
    ReadBackControlFailed = _refusal("the read-back did not find what is known to exist, so it proves nothing")
    RecordsStored = _refusal("a read-back found rows of the test stored, before the load or after it")
    GeneratorThrottled = _unproven(
        "the CPU limit of the pods is too low to verify the target with", _FOLLOW_THE_MESSAGE
    )

    NotStarted = _load("the load has not started")
    Started = _load("the load runs")
    Finished = _load("every pod has finished its share")
    StartMissed = _load("a pod did not start with the others, so the fleet was halted", _RUN_AGAIN)
    Violation = _load(
        "an answer without a true marker, or a redirect: rows may have been stored, and the fleet was halted",
        "look for the rows that the message names, and mend the target before anything else",
    )
    Aborted = _load("a bound of spec.abort was breached")
    Stopped = _load("spec.stop was set", "to run again, set spec.stop to false together with a new spec.runId")
    CapacityFound = _load("the climb of scenario capacity ended at the first plateau that did not hold")
    LoadUnfinished = _load("the load of a step did not run to its end in every pod, and nothing tells why", _RUN_AGAIN)
    Deleted = _load("the test was deleted while somebody's finalizer keeps it", "have the finalizer removed")
    PodLost = _load(
        "a pod was lost, and with it a part of the load",
        "do what the message begins with, then run again with a new spec.runId",
    )
    GeneratorDefect = _load("a pod ended with a defect of the generator", "please report it with the pod's log")
    Halted = _load("a pod was halted", _RUN_AGAIN)
    JobGone = _load("the run's Job was removed while the test ran; it is never made a second time", _RUN_AGAIN)
    JobFailed = _load("the run's Job failed", _RUN_AGAIN)
    JobDeadlineExceeded = _load("the run took longer than all its parts together may", _RUN_AGAIN)

    InProgress = _results("the test has not ended")
    AllPodsReported = _results("the last snapshot of every pod is known")
    ResultsMissing = _results(
        "a part of what was measured is missing: a pod was lost, or ended before an operator had read everything",
        "look at the message for what is missing; if the verdict depends on it, run again with a new spec.runId",
    )
    ResultsNotWritten = _results("the ConfigMap of the results could not be written", "do what the message says")
    MessageNotSent = _results(
        "a webhook of the installation was not told of the end of the run",
        "look at status.messages for the reason, and at the webhook in the installation's Secret; the message is not"
        " sent any more",
    )
    ArchiveFailed = _results(
        "an attempt to archive the files of the run failed",
        "look at status.archive for the reason; the operator tries again as long as the results exist",
    )
    NoRun = _results("no load was made")
    FinishedEarlier = _results(
        "an annotation tells that this run was over before the status was lost", "set a new spec.runId to run again"
    )

    Passed = _verdict("every threshold held, and every upload was confirmed as a load test")
    OnlyVerified = _verdict(
        "the target was proven, and spec.verification.only asked for no load", reason_class=ReasonClass.VERIFICATION
    )
    Failed = _verdict("a bound was breached, or the target was not safe to load")
    Inconclusive = _verdict("the run says neither; the reasons say why")
    ThresholdBreached = _verdict(
        "a threshold was breached",
        "look at the values in status.thresholds; if a time is too long, look at where it went: connecting, sending or"
        " waiting",
    )
    HealthCritical = _verdict("the target's health was Critical", "look at the evidence in status.health")
    TargetVanished = _verdict(
        "every proven address of the target vanished", "look at the pods behind the target's Service"
    )
    RecordsNotSent = _verdict("not all of spec.load.records was sent in time", "give the load more time")
    CapacityTooLow = _verdict(
        "the load of spec.load.capacity.required, or without one the lowest of the climb, did not hold",
        "look at status.capacity for what limited it",
    )
    CapacityUnknown = _verdict(
        "whether the required load would have held is not known, because something else than the target ended the"
        " climb before, or because the plateaus had too few uploads",
        "do what the message says",
    )
    ThresholdInDoubt = _verdict(
        "a threshold holds or is breached depending on what the generator itself, short of CPU, added to the times or"
        " held back of the load, or on what would have become of uploads that the test cut",
        "do what the message says: give the generator more CPU (spec.pod.resources) or a machine of its own, raise"
        " spec.parallelism, or lengthen spec.load.gracefulStop",
    )
    TooFewSamples = _verdict("too few uploads were measured for a threshold", "let the load last longer")
    ReadBackUnsteady = _verdict(
        "what is stored changed while nothing was sent, so the read-back shows nothing",
        "keep other writers away from the target while the test runs",
    )
    ReadBackUnfinished = _verdict("what the target has stored was not read back", _RUN_AGAIN)

    Queued = _phase("the test waits")
    Starting = _phase("its pods are being made")
    Running = _phase("the load runs")
    Stopping = _phase("the run is being ended before its time")
    Verified = _phase("every pod has proved the target")


UnknownReason = NewType("UnknownReason", str)
"""A reason that stands in a status and is none of ours: another version of the operator wrote it."""

AnyReason = Reason | UnknownReason


def class_of_end(reason: AnyReason, *, load_began: bool) -> ReasonClass:
    """The class of a test that ended for this reason.

    A test whose load began is of the class Load, whatever ended it. No other test is: where the reason alone may stand
    for both, such as a stop, the load was prevented.
    """
    if load_began:
        return ReasonClass.LOAD
    reason_class = reason.reason_class if isinstance(reason, Reason) else ReasonClass.LOAD
    return ReasonClass.PREVENTED if reason_class is ReasonClass.LOAD else reason_class


def reason_of_name(name: str) -> AnyReason:
    """The reason that stands in a status under this name."""
    return Reason[name] if name in Reason.__members__ else UnknownReason(name)
