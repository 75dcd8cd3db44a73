"""A token proves the right to one verb of one run, and cannot be found from what the pods hold."""

from loadtest_model.protocol.commands import Verb, command_token, token_digest, token_fits

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
