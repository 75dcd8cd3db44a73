"""A decision, and what the installation says about making one."""

from dataclasses import dataclass, field

from loadtest_model.judgement.abort import AbortWatch
from loadtest_model.judgement.workload import TargetWatch
from loadtest_model.measurement.aggregate import Aggregate
from loadtest_model.plan import AddressPolicy, Deadlines, Plan
from loadtest_model.report.afterwards import Afterwards
from loadtest_model.report.status import Status
from loadtest_operator.decide.actions import Action
from loadtest_operator.manifests import NetworkPolicyDefaults, PodDefaults
from loadtest_operator.policy.line import Limits
from loadtest_operator.policy.target_policy import TargetPolicy


@dataclass(frozen=True)
class Policy:
    """Bounds, in seconds, and defaults that hold for every test of this installation.

    `queued_seconds` bounds the wait for its turn, `waiting_seconds` the wait for what the test does not own
    (endpoints, quota), `starting_seconds` the wait for running pods, `control_seconds` the wait for a running pod's
    first answer, `lost_seconds` how long a pod may be silent under load. Under load the pods are looked at every
    `scrape_seconds`, and mere progress is written every `progress_seconds`. Without `network_policies` none are made.
    """

    pods: PodDefaults
    network: AddressPolicy = AddressPolicy()
    targets: TargetPolicy = field(default_factory=TargetPolicy)
    network_policies: NetworkPolicyDefaults | None = None
    deadlines: Deadlines = Deadlines()
    limits: Limits = field(default_factory=Limits)
    queued_seconds: float = 86_400.0
    waiting_seconds: float = 120.0
    starting_seconds: float = 300.0
    control_seconds: float = 30.0
    lost_seconds: float = 30.0
    scrape_seconds: float = 2.0
    progress_seconds: float = 5.0


@dataclass(frozen=True)
class Decision:
    """What to do and what to say.

    `status` None leaves the resource's status as it is, except for what `afterwards` says of the time after the end.
    `requeue_seconds` None waits for the next event. `is_settled` says that the run and its pods are over for good.
    `plan` and `aggregate` are what was measured so far, where there is a run; `abort_watch` and `target_watch` are to
    be remembered for the next look.
    """

    status: Status | None = None
    actions: tuple[Action, ...] = ()
    requeue_seconds: float | None = None
    afterwards: Afterwards | None = None
    is_settled: bool = False
    plan: Plan | None = None
    aggregate: Aggregate = field(default_factory=Aggregate)
    abort_watch: AbortWatch | None = None
    target_watch: TargetWatch | None = None
