"""`loadgen verify`: the verification by hand, its checks printed with what was seen and what to do."""

import argparse
import secrets
import uuid
from typing import Any, Final

import msgspec

from loadgen import event_loop
from loadgen.addresses import AddressBook
from loadgen.endpoints import site_of
from loadgen.proving import Prover
from loadgen.request_headers import upload_headers
from loadgen.uploading import make_uploader
from loadtest_model.plan import Place, Plan, SecretPlaces, compile_plan
from loadtest_model.snapshot import VerificationReport
from loadtest_model.spec import Identity, Spec

PROVEN_EXIT: Final = 0
REFUSED_EXIT: Final = 1


class UsageError(ValueError):
    """An option has a wrong value; the message names it."""


def run_verify(parsed: argparse.Namespace) -> int:
    """Verify the target of a command line and print the report. Raises UsageError."""
    report = event_loop.run(_verify(_plan(parsed)))
    print(msgspec.json.encode(report).decode() if parsed.json else checklist(parsed.url, report))
    return PROVEN_EXIT if report.proven else REFUSED_EXIT


def checklist(url: str, report: VerificationReport) -> str:
    """A report for people: a line for each check, then the result and what to do."""
    lines = [f"Target: {url}"]
    for check in report.checks:
        mark = "ok    " if check.passed else "FAILED"
        rows = "" if check.name in ("connect", "header-only") else f", {check.rows} row{'s' * (check.rows != 1)}"
        detail = f"  {check.detail}" if check.detail else ""
        lines.append(f"  {mark}  {check.name}{rows}  {check.address}  {check.seconds:.3f} s{detail}")
    if report.proven:
        lines.append(f"Verified, level {report.level}: {report.uploads} uploads with {report.rows} rows were sent.")
    else:
        lines += [f"Refused ({report.refusal}): {report.message}", f"What to do: {report.hint}"]
    if report.canary_ids:
        lines.append(f"Canary client_id: {', '.join(report.canary_ids)}")
    return "\n".join(lines)


async def _verify(plan: Plan) -> VerificationReport:
    uploader = make_uploader(plan, 0, lambda: secrets.token_hex(16))
    prover = Prover(plan, uploader, AddressBook())
    return await prover.prove(full_rows=plan.steps[0].batch_size)


def _plan(parsed: argparse.Namespace) -> Plan:
    """The plan whose verification is run: the options take the place of a LoadTest's spec."""
    document: dict[str, Any] = {
        "target": {
            "url": parsed.url,
            "headers": dict(_pair("--header", text, ":") for text in parsed.header),
            "formFields": dict(_pair("--form-field", text, "=") for text in parsed.form_field),
            "fileField": parsed.file_field,
            "timeout": parsed.timeout,
            "response": {"marker": parsed.marker, "count": parsed.count, "nonce": parsed.nonce},
        },
        "scenario": "custom",
        "load": {"batchSize": parsed.batch_size, "duration": "1s"},
        "verification": {"require": parsed.require},
    }
    try:
        upload_headers(document["target"]["headers"], site_of(parsed.url).host_header, "1")
        spec = msgspec.convert(document, Spec)
        identity = Identity(namespace="local", name="verify", uid=str(uuid.uuid4()))
        places = SecretPlaces(token=Place(file=parsed.token_file) if parsed.token_file else None)
        plan = compile_plan(spec, identity, places=places)
    except (ValueError, msgspec.ValidationError) as error:
        raise UsageError(str(error)) from error
    target = msgspec.structs.replace(plan.target, auth_scheme=parsed.auth_scheme)
    return msgspec.structs.replace(plan, target=target)


def _pair(option: str, text: str, separator: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise UsageError(f"{option} is {text!r}; it must be NAME{separator}VALUE")
    return name.strip(), value.strip()
