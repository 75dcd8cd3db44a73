"""Commands, and their tokens: one proves the right to one verb of one run, and cannot be found from what pods hold."""

from msgspec import json

from loadtest_model.protocol.commands import Start, StartEncoder, Verb, command_token, token_digest, token_fits

KEY = b"0" * 32


def test_a_token_fits_its_own_digest_only() -> None:
    halt = command_token(KEY, "uid", "1", Verb.HALT)

    assert token_fits(halt, token_digest(halt))
    assert not token_fits(token_digest(halt), token_digest(halt))


def test_every_verb_run_test_and_key_has_a_token_of_its_own() -> None:
    tokens = {
        command_token(key, uid, run, verb)
        for key in (KEY, b"1" * 32)
        for uid in ("one", "two")
        for run in ("1", "2")
        for verb in Verb
    }

    assert len(tokens) == 2 * 2 * 2 * len(Verb)


def test_a_start_whose_peers_are_encoded_once_is_the_same_start() -> None:
    peers = ("10.0.0.1:8089", "[fd00::2]:8089")

    encoder = StartEncoder("start-1", peers, "t")

    for in_seconds in (0.25, 0.0):
        start = Start(start_id="start-1", in_seconds=in_seconds, peers=peers, halt_token="t")
        assert encoder.encode(in_seconds) == json.encode(start)
