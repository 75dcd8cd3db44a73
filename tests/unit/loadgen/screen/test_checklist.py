"""The verification as people see it."""

from loadgen.screen.checklist import checklist
from loadtest_model.measurement.snapshot import CheckName, ProofLevel, Refusal, VerificationCheck, VerificationReport

URL = "http://shop/u/"


def a_check(
    name: CheckName = CheckName.CANARY, rows: int = 1, status: int = 200, detail: str = "", address: str = ""
) -> VerificationCheck:
    return VerificationCheck(
        name=name,
        address=address or "10.0.0.1:80",
        passed=status < 400 or name is CheckName.HEADER_ONLY,
        rows=rows,
        status=status,
        detail=detail,
        seconds=0.25,
    )


def test_a_single_address_is_told_once() -> None:
    report = VerificationReport(level=ProofLevel.ECHOED, checks=(a_check(),), addresses=("10.0.0.1:80",))

    text = checklist(URL, report)

    assert "  ok      canary  1 row: counted right, marker true  200    250 ms\n" in text
    assert text.count("10.0.0.1:80") == 1


def test_each_check_names_its_address_where_there_are_several() -> None:
    checks = (a_check(), a_check(address="10.0.0.12:80"))

    text = checklist(URL, VerificationReport(level=ProofLevel.ECHOED, checks=checks))

    assert "marker true  10.0.0.1:80   200    250 ms" in text
    assert "marker true  10.0.0.12:80  200    250 ms" in text


def test_what_refused_the_target_is_told_once_and_a_refused_header_row_is_no_surprise() -> None:
    checks = (a_check(CheckName.HEADER_ONLY, rows=0, status=400), a_check(status=400, detail="answered 400: no"))
    report = VerificationReport(
        level=ProofLevel.NONE, checks=checks, refusal=Refusal.REJECTED, message="the canary: answered 400: no"
    )

    text = checklist(URL, report)

    assert "400    250 ms  allowed: it has no rows" in text
    assert text.count("answered 400: no") == 1


def test_the_message_and_what_to_do_have_the_words_of_who_asked() -> None:
    report = VerificationReport(
        level=ProofLevel.NONE,
        refusal=Refusal.REJECTED,
        message="is that the count? Set spec.target.response.count",
        hint="Set spec.target.fileField.",
    )

    by_options, by_manifest = checklist(URL, report), checklist(URL, report, words={})

    assert "Set --count" in by_options
    assert "Set --file-field." in by_options
    assert "Set spec.target.response.count" in by_manifest
    assert "Set spec.target.fileField." in by_manifest
