"""What is told of an upload that nobody asked about while it was made."""

from loadgen.answers.judging import AnswerJudgement
from loadgen.http.endpoints import Endpoint
from loadgen.upload.uploading import Upload
from loadtest_model.measurement.outcomes import ErrorKind

ENDPOINT = Endpoint("127.0.0.1", 80)


def test_an_accepted_upload_tells_what_was_answered() -> None:
    upload = Upload(1, None, ENDPOINT, 200, AnswerJudgement(None), answer_body=b'{"success": true}\n')

    assert upload.detail == 'answered 200: {"success": true} '
    assert upload.answer_text == '{"success": true} '


def test_a_failed_upload_tells_how_it_failed() -> None:
    upload = Upload(
        1, "C1", ENDPOINT, 500, AnswerJudgement(ErrorKind.SERVER_ERROR, "answered 500: sorry"), answer_body=b"x"
    )

    assert upload.detail == "answered 500: sorry"


def test_an_upload_without_an_answer_tells_why_there_is_none() -> None:
    upload = Upload(1, "C1", ENDPOINT, None, AnswerJudgement(ErrorKind.RESET, "the connection was lost"))

    assert upload.detail == "the connection was lost"
    assert upload.answer_text == ""
