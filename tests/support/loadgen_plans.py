"""Plans for tests of the generator, compiled from a spec as the operator does it."""

from typing import Any

import msgspec

from loadtest_model.load.pacing import Segment
from loadtest_model.plan import AddressPolicy, Deadlines, Plan, SecretPlace, SecretPlaces, compile_plan
from loadtest_model.protocol.commands import Verb, command_token, token_digest
from loadtest_model.spec import Identity, Spec

KEY = b"a key for tests"
UID = "11111111-2222-3333-4444-555555555555"


def make_plan(
    url: str,
    *,
    batch_size: int = 50,
    virtual_users: int = 1,
    duration_seconds: float = 1.0,
    parallelism: int = 1,
    addresses: tuple[str, ...] = (),
    token_file: str | None = None,
    places: SecretPlaces | None = None,
    require: str = "Acknowledged",
    target: dict[str, Any] | None = None,
    load: dict[str, Any] | None = None,
    records: dict[str, Any] | None = None,
    network: AddressPolicy = AddressPolicy(),
    deadlines: Deadlines = Deadlines(),
    debug: bool = False,
) -> Plan:
    """A custom step of one plateau. `target`, `load` and `records` are further fields of the spec, as in a manifest."""
    document = {
        "target": {"url": url, "timeout": "10s", **(target or {})},
        "scenario": "custom",
        "parallelism": parallelism,
        "load": {"batchSize": batch_size, "virtualUsers": virtual_users, "duration": "60s", **(load or {})},
        "records": records or {},
        "verification": {"require": require},
        "debug": debug,
    }
    plan = compile_plan(
        msgspec.convert(document, Spec),
        Identity(namespace="tests", name="loadtest", uid=UID),
        addresses=addresses,
        places=places or SecretPlaces(token=SecretPlace(file=token_file) if token_file else None),
        network=network,
        deadlines=deadlines,
    )
    plateau = Segment(duration_seconds=float(duration_seconds), first_users=virtual_users, last_users=virtual_users)
    (step,) = plan.steps
    return msgspec.structs.replace(
        plan,
        steps=(msgspec.structs.replace(step, segments=(plateau,)),),
        command_digests={str(verb): token_digest(token(verb, plan.run_id)) for verb in Verb},
    )


def token(verb: Verb, run_id: str = "1") -> str:
    """The token of a command to a pod with such a plan."""
    return command_token(KEY, UID, run_id, verb)
