"""The plan: a spec compiled to what the pods do, with every default filled in and nothing left to choose."""

import hashlib
from typing import Final, Literal
from urllib.parse import urlsplit

import msgspec

from loadtest_model.pacing import Segment, peak_users, plateaus, profile, total_seconds
from loadtest_model.scenarios import DEFAULT_THRESHOLDS, PRESETS, STRESS_THRESHOLD
from loadtest_model.spec import Identity, Load, Spec
from loadtest_model.thresholds import parse_threshold
from loadtest_model.values import WireValue, seconds_of

PLAN_SCHEMA: Final = 1
DEFAULT_RUN_ID: Final = "1"
DEFAULT_CUSTOM_USERS: Final = 1


class PlanError(ValueError):
    """A spec that the schema lets pass but that cannot be run; the message names field, value and remedy."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class AddressPolicy(WireValue, frozen=True, kw_only=True):
    """Which addresses may be connected to, as CIDR blocks; `denied` wins, and an empty `allowed` allows all else."""

    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()


class TargetPlan(WireValue, frozen=True, kw_only=True):
    """Where and how uploads are sent.

    `addresses` are `ip:port` pairs that stand for the URL's host (a Service's endpoints); where there are none,
    the host's name is resolved in the pod. `token_file` holds the token, if the target needs one.
    """

    url: str
    addresses: tuple[str, ...]
    headers: dict[str, str]
    auth_scheme: str
    token_file: str | None
    file_field: str
    file_name: str
    form_fields: dict[str, str]
    format: Literal["csv"]
    timeout_seconds: float
    marker_path: str
    count_path: str
    nonce_path: str


class Step(WireValue, frozen=True, kw_only=True):
    """One scenario's load. Times are seconds from the step's start; users are those of the whole fleet."""

    name: str
    batch_size: int
    segments: tuple[Segment, ...]
    warm_up_seconds: float
    think_time_seconds: float
    thresholds: tuple[str, ...]

    @property
    def duration_seconds(self) -> float:
        return total_seconds(self.segments)

    @property
    def virtual_users(self) -> int:
        return peak_users(self.segments)


class RecordsPlan(WireValue, frozen=True, kw_only=True):
    """`run_tag` (48 bits) keeps the records of different runs apart; `seed` chooses the people."""

    seed: int
    run_tag: int


class Deadlines(WireValue, frozen=True, kw_only=True):
    """Bounds in seconds on what is not load."""

    verification_seconds: float = 600.0
    barrier_seconds: float = 60.0
    linger_seconds: float = 60.0


class Plan(WireValue, frozen=True, kw_only=True):
    """The whole run, the same for every pod; a pod takes its share by its index."""

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
    require: Literal["Acknowledged", "Echoed"]
    network: AddressPolicy
    deadlines: Deadlines
    command_digests: dict[str, str] = {}

    @property
    def step_span_seconds(self) -> tuple[float, ...]:
        """How long each step may take: its load and the longest drain."""
        return tuple(step.duration_seconds + self.target.timeout_seconds for step in self.steps)

    @property
    def exposed_rows(self) -> int:
        """Rows that could at worst be on their way unproven if an endpoint lost its marker at once."""
        return max(step.virtual_users * step.batch_size for step in self.steps)


def plan_hash(plan: Plan) -> str:
    """A name for a plan's content; equal plans have equal hashes."""
    # Read back once, so that 60 where a float belongs has the hash of the 60.0 that its reader sees.
    read = msgspec.json.decode(msgspec.json.encode(plan), type=Plan)
    return hashlib.sha256(msgspec.json.encode(read, order="deterministic")).hexdigest()[:32]


def compile_plan(
    spec: Spec,
    identity: Identity,
    *,
    addresses: tuple[str, ...] = (),
    token_file: str | None = None,
    network: AddressPolicy = AddressPolicy(),
    deadlines: Deadlines = Deadlines(),
) -> Plan:
    """The plan of a spec, without command digests.

    Raises PlanError where the spec cannot be run.
    """
    run_id = spec.run_id or DEFAULT_RUN_ID
    steps = tuple(_steps(spec))
    fewest = min(step.virtual_users for step in steps)
    if spec.parallelism > fewest:
        raise PlanError(
            "ParallelismAboveVirtualUsers",
            f"spec.parallelism is {spec.parallelism}, but the test has a step with {fewest} virtual user(s), so some"
            f" pods would have none; set spec.parallelism to {fewest} or less, or raise spec.load.virtualUsers",
        )
    target = spec.target
    return Plan(
        schema=PLAN_SCHEMA,
        namespace=identity.namespace,
        name=identity.name,
        uid=identity.uid,
        run_id=run_id,
        scenario=spec.scenario,
        parallelism=spec.parallelism,
        target=TargetPlan(
            url=_checked_url(target.url),
            addresses=addresses,
            headers=target.headers,
            auth_scheme=target.auth.scheme if target.auth else "Bearer",
            token_file=token_file,
            file_field=target.file_field,
            file_name=target.file_name,
            form_fields=target.form_fields,
            format=target.format,
            timeout_seconds=seconds_of(target.timeout),
            marker_path=target.response.marker,
            count_path=target.response.count,
            nonce_path=target.response.nonce,
        ),
        steps=steps,
        records=_records(spec, identity, run_id),
        require=spec.verification.require,
        network=network,
        deadlines=deadlines,
    )


def _checked_url(url: str) -> str:
    try:
        port = urlsplit(url).port
    except ValueError as error:
        raise PlanError("InvalidURL", f"spec.target.url is {url}, which is no URL: {error}") from error
    if port == 0:
        raise PlanError("InvalidURL", f"spec.target.url is {url}; a port lies between 1 and 65535")
    return url


def _records(spec: Spec, identity: Identity, run_id: str) -> RecordsPlan:
    digest = hashlib.sha256(f"{identity.uid}/{run_id}".encode()).digest()
    seed = spec.records.seed
    return RecordsPlan(
        seed=int.from_bytes(digest[6:12], "big") if seed is None else seed,
        run_tag=int.from_bytes(digest[:6], "big"),
    )


def _steps(spec: Spec) -> list[Step]:
    if spec.scenario == "all":
        return [_step(name, spec.load, spec.thresholds) for name in PRESETS]
    return [_step(spec.scenario, spec.load, spec.thresholds)]


def _step(scenario: str, load: Load, thresholds: list[str] | None) -> Step:
    preset = PRESETS.get(scenario)
    segments = _segments(scenario, load)
    batch_size = load.batch_size if load.batch_size is not None else (preset.batch_size if preset else None)
    if batch_size is None:
        raise PlanError("BatchSizeMissing", "spec.load.batchSize is missing; a custom test needs one, such as 1000")
    warm_up_seconds = seconds_of(load.warm_up)
    length_seconds = total_seconds(segments)
    if warm_up_seconds >= length_seconds:
        raise PlanError(
            "WarmUpTooLong",
            f"spec.load.warmUp is {load.warm_up}, but the load of step {scenario} lasts {length_seconds:g} s;"
            " nothing would be held to the thresholds",
        )
    return Step(
        name=scenario,
        batch_size=batch_size,
        segments=segments,
        warm_up_seconds=warm_up_seconds,
        think_time_seconds=seconds_of(load.think_time),
        thresholds=_thresholds(scenario, load, thresholds),
    )


def _segments(scenario: str, load: Load) -> tuple[Segment, ...]:
    if load.stages is not None:
        return profile([(seconds_of(stage.duration), stage.virtual_users) for stage in load.stages])
    preset = PRESETS.get(scenario)
    duration_seconds = seconds_of(load.duration) if load.duration else preset.duration_seconds if preset else None
    if duration_seconds is None:
        raise PlanError("DurationMissing", "spec.load.duration is missing; a custom test needs it or spec.load.stages")
    users = load.virtual_users or (preset.virtual_users if preset else DEFAULT_CUSTOM_USERS)
    return plateaus(duration_seconds, users, preset.plateaus if preset else (1.0,))


def _thresholds(scenario: str, load: Load, given: list[str] | None) -> tuple[str, ...]:
    if given is not None:
        try:
            return tuple(parse_threshold(expression).expression for expression in given)
        except ValueError as error:
            raise PlanError("ThresholdInvalid", f"spec.thresholds: {error}") from error
    unchanged = load == Load()
    return (*DEFAULT_THRESHOLDS, STRESS_THRESHOLD) if scenario == "stress" and unchanged else DEFAULT_THRESHOLDS
