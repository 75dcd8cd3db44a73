"""Acceptances by the bytes of their answers: most answers of a target to files of one size have the same body."""

from typing import Any, Final

from msgspec import Struct

from loadgen.answers.json_answers import parse_json, value_at
from loadgen.answers.judging import AnswerJudgement, AnswerPaths, HttpAnswer, judge
from loadgen.answers.miss_pause import MissPause

_MOST_BODIES: Final = 64
_LONGEST_BODY_BYTES: Final = 4_096


class _Acceptance(Struct, frozen=True):
    """The judgement of an answer that does not return the nonce, and what stands where the nonce would."""

    judgement: AnswerJudgement
    nonce_value: Any


class KnownAnswers:
    """Judges answers as `judge` does, and an acceptance only the first time that it comes.

    An acceptance is a function of its body, of the rows that were sent, and of whether the nonce stands in it.
    """

    def __init__(self, paths: AnswerPaths) -> None:
        self._paths = paths
        self._acceptances: dict[tuple[bytes, int, int], _Acceptance] = {}
        self._pause = MissPause()

    def judge(
        self, answer: HttpAnswer, rows: int, nonce: str, valid_rows: int, *, must_echo: bool = False
    ) -> AnswerJudgement:
        if must_echo or self._pause.paused_answers:
            self._pause.paused_answers = max(0, self._pause.paused_answers - 1)
            return judge(answer, rows, nonce, self._paths, valid_rows, must_echo=must_echo)
        key = (answer.body, rows, valid_rows)
        acceptance = self._acceptances.get(key)
        if (
            acceptance is not None
            and acceptance.nonce_value != nonce
            and 200 <= answer.status < 300
            and not answer.unreadable
        ):
            self._pause.misses = 0
            return acceptance.judgement
        judgement = judge(answer, rows, nonce, self._paths, valid_rows)
        if judgement.error is None:
            self._pause.note_miss()
            if not judgement.is_echoed and len(answer.body) <= _LONGEST_BODY_BYTES:
                self._keep(key, judgement)
        return judgement

    def _keep(self, key: tuple[bytes, int, int], judgement: AnswerJudgement) -> None:
        if len(self._acceptances) >= _MOST_BODIES:
            self._acceptances.clear()
        self._acceptances[key] = _Acceptance(judgement, value_at(parse_json(key[0]), self._paths.nonce))
