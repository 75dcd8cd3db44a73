"""The plan: a spec compiled to what the pods do, with every default filled in and nothing left to choose."""

import hashlib
from typing import Final

import msgspec

from loadtest_model.plan.bounds import AddressPolicy, Deadlines
from loadtest_model.plan.errors import PlanError
from loadtest_model.plan.records import RecordsPlan, compile_records
from loadtest_model.plan.secrets import NO_PLACES, SecretPlace, SecretPlaces
from loadtest_model.plan.steps import Step, compile_steps, refuse_idle_pods
from loadtest_model.plan.target import LoginPlan, TargetPlan, TlsPlan, compile_target
from loadtest_model.plan.thresholds import AbortPlan, compile_abort
from loadtest_model.plan.verification import ReadBackPlan, compile_read_back
from loadtest_model.spec import Identity, Spec
from loadtest_model.spec.thresholds import DEFAULT_BASELINE_RUNS
from loadtest_model.spec.validation import broken_rules
from loadtest_model.spec.verification import Requirement
from loadtest_model.values import WireValue

PLAN_SCHEMA: Final = 1
DEFAULT_RUN_ID: Final = "1"

__all__ = [
    "DEFAULT_RUN_ID",
    "PLAN_SCHEMA",
    "AbortPlan",
    "AddressPolicy",
    "Deadlines",
    "LoginPlan",
    "Plan",
    "PlanError",
    "ReadBackPlan",
    "RecordsPlan",
    "SecretPlace",
    "SecretPlaces",
    "Step",
    "TargetPlan",
    "TlsPlan",
    "compile_plan",
    "plan_hash",
]


class Plan(WireValue, frozen=True, kw_only=True):
    """The whole run, the same for every pod; a pod takes its share by its index.

    `mesh` says that a mesh's proxy may stand between the pods and the target; a run without a cluster has none.
    `unseen_endpoints` says that nobody could read what is behind the target's Service. `baseline_runs` is how many
    earlier runs a threshold on the baseline compares with.
    """

    schema: int
    namespace: str
    name: str
    uid: str
    run_id: str
    scenario: str
    parallelism: int
    target: TargetPlan
    steps: tuple[Step, ...]
    records: RecordsPlan
    require: Requirement
    network: AddressPolicy
    deadlines: Deadlines
    command_digests: dict[str, str] = {}
    read_back: ReadBackPlan | None = None
    abort: AbortPlan | None = None
    debug: bool = False
    mesh: bool = False
    unseen_endpoints: bool = False
    baseline_runs: int = DEFAULT_BASELINE_RUNS

    @property
    def step_span_seconds(self) -> tuple[float, ...]:
        """How long each step may take: its load and the longest drain."""
        return tuple(step.duration_seconds + step.graceful_stop_seconds for step in self.steps)

    def seconds_to_last_upload(self, *, alone: bool) -> float:
        """From the start to the end of the last step's load, as far as that is known beforehand, with the drains of the
        steps before it at their longest.

        The pods of a fleet begin each step together. A pod that is `alone` begins it as soon as the one before is over.
        """
        *before, last = self.steps
        loads = (step.foreseen_seconds if alone else step.duration_seconds for step in before)
        return sum(loads) + sum(step.graceful_stop_seconds for step in before) + last.foreseen_seconds

    @property
    def exposed_rows(self) -> int:
        """Rows that could at worst be on their way unproven if an endpoint lost its marker at once."""
        return max(step.virtual_users * step.batch_size for step in self.steps)

    @property
    def ending_seconds(self) -> float:
        """The longest that what follows the last step may take: the read-back."""
        return self.read_back.ending_seconds if self.read_back else 0.0


def plan_hash(plan: Plan) -> str:
    """A name for a plan's content; equal plans have equal hashes."""
    # Read back once, so that 60 where a float belongs has the hash of the 60.0 that its reader sees.
    decoded_plan = msgspec.json.decode(msgspec.json.encode(plan), type=Plan)
    return hashlib.sha256(msgspec.json.encode(decoded_plan, order="deterministic")).hexdigest()[:32]


def compile_plan(
    spec: Spec,
    identity: Identity,
    *,
    addresses: tuple[str, ...] = (),
    places: SecretPlaces = NO_PLACES,
    network: AddressPolicy = AddressPolicy(),
    deadlines: Deadlines = Deadlines(),
) -> Plan:
    """The plan of a spec, without command digests; `places` says where the secrets are that it names.

    Raises PlanError if the spec breaks a rule, or cannot be run.
    """
    # An API server with the schema of another version may have accepted what this version refuses.
    if faults := broken_rules(spec):
        raise PlanError(faults[0].rule.reason, faults[0].message)
    run_id = spec.run_id or DEFAULT_RUN_ID
    steps = tuple(compile_steps(spec))
    for step in steps:
        refuse_idle_pods(step, spec.parallelism)
    records = compile_records(spec, identity, run_id, steps)
    return Plan(
        schema=PLAN_SCHEMA,
        namespace=identity.namespace,
        name=identity.name,
        uid=identity.uid,
        run_id=run_id,
        scenario=str(spec.scenario),
        parallelism=spec.parallelism,
        target=compile_target(spec.target, addresses, places),
        steps=steps,
        records=records,
        require=spec.verification.require,
        read_back=compile_read_back(spec.verification, records),
        abort=compile_abort(spec, [step.name for step in steps]),
        debug=spec.debug,
        network=network,
        deadlines=deadlines,
        baseline_runs=spec.baseline.runs,
    )
