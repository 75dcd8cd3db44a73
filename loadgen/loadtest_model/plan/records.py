"""The records as the pods compose them."""

import hashlib

from loadtest_model.spec import Identity, Spec
from loadtest_model.values import WireValue


class RecordsPlan(WireValue, frozen=True, kw_only=True):
    """`run_tag` (48 bits) keeps the records of different runs apart; `seed` chooses the people."""

    seed: int
    run_tag: int


def compile_records(spec: Spec, identity: Identity, run_id: str) -> RecordsPlan:
    digest = hashlib.sha256(f"{identity.uid}/{run_id}".encode()).digest()
    seed = spec.records.seed
    return RecordsPlan(
        seed=int.from_bytes(digest[6:12], "big") if seed is None else seed,
        run_tag=int.from_bytes(digest[:6], "big"),
    )
