"""The faults, each a WSGI application around a good one."""

import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from faulty_target.bodies import count_rows, form_fields, take_body
from faulty_target.ledger import Ledger

FORGED = "a line that the target forged"


@dataclass(frozen=True)
class FaultSettings:
    """What the environment says, see the package's docstring."""

    every: int = 3
    after: int = 10
    seconds: float = 5.0
    status: str = "500 Internal Server Error"
    min_rows: int = 100
    refuses_empty: bool = False
    ledger_path: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "FaultSettings":
        """Read the FAULT_ variables; a value that is no number raises ValueError."""
        path = environment.get("FAULT_LEDGER")
        return cls(
            every=int(environment.get("FAULT_EVERY", cls.every)),
            after=int(environment.get("FAULT_AFTER", cls.after)),
            seconds=float(environment.get("FAULT_SECONDS", cls.seconds)),
            status=environment.get("FAULT_STATUS", cls.status),
            min_rows=int(environment.get("FAULT_MIN_ROWS", cls.min_rows)),
            refuses_empty=environment.get("FAULT_REFUSES_EMPTY") == "1",
            ledger_path=Path(path) if path else None,
        )

    def ledger(self) -> Ledger:
        """The shared count, for the faults that need one."""
        if self.ledger_path is None:
            raise ValueError("this fault counts uploads over all workers: set FAULT_LEDGER to a file's path")
        return Ledger(self.ledger_path)


def with_fault(application: WSGIApplication, fault: str, settings: FaultSettings) -> WSGIApplication:
    """Wrap `application` so that its uploads, and nothing else, suffer `fault`; an unknown one is a ValueError."""
    if fault not in _FAULTS:
        raise ValueError(f"FAULT is {fault!r}, known are {', '.join(sorted(_FAULTS))}")
    faulty = _FAULTS[fault](application, settings)

    def uploads_only(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        handler = faulty if environ["REQUEST_METHOD"] == "POST" else application
        return handler(environ, start_response)

    return uploads_only


def _ignores_header(application: WSGIApplication, settings: FaultSettings) -> WSGIApplication:
    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if settings.refuses_empty and count_rows(environ) == 0:
            return _answer(start_response, "400 Bad Request")
        environ.pop("HTTP_X_LOAD_TEST", None)
        return application(environ, start_response)

    return faulty


def _lies(application: WSGIApplication, settings: FaultSettings) -> WSGIApplication:
    ledger = settings.ledger()

    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        nonce = environ.get("HTTP_X_LOAD_TEST_NONCE")
        rows = count_rows(environ)
        if rows < settings.min_rows or ledger.add(rows) <= settings.after:
            return application(environ, start_response)
        environ.pop("HTTP_X_LOAD_TEST", None)
        responses: list[tuple[str, list[tuple[str, str]]]] = []

        def record_response(
            status: str, headers: list[tuple[str, str]], _error: object = None, /
        ) -> Callable[[bytes], object]:
            responses.append((status, headers))
            return lambda _: None

        answer = json.loads(b"".join(application(environ, record_response)))
        body = json.dumps({**answer, "load_test_mode": True, "load_test_nonce": nonce}).encode()
        (status, _), *_ = responses
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return faulty


def _loses(header: str) -> Callable[[WSGIApplication, FaultSettings], WSGIApplication]:
    """From the upload after FAULT_AFTER full uploads on, this header never reaches Django."""

    def with_loss(application: WSGIApplication, settings: FaultSettings) -> WSGIApplication:
        ledger = settings.ledger()

        def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            rows = count_rows(environ)
            # A small upload is not counted, but it comes after those that are.
            uploads = ledger.add(rows) if rows >= settings.min_rows else len(ledger.entries()) + 1
            if uploads > settings.after:
                environ.pop(header, None)
            return application(environ, start_response)

        return faulty

    return with_loss


def _some_errors(application: WSGIApplication, settings: FaultSettings) -> WSGIApplication:
    ledger = settings.ledger()

    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        rows = count_rows(environ)
        if rows >= settings.min_rows:
            errors, remainder = divmod(ledger.add(rows), settings.every)
            if remainder == 0:
                status = "500 Internal Server Error" if errors % 2 else "503 Service Unavailable"
                return _answer(start_response, status)
        return application(environ, start_response)

    return faulty


def _redirect(application: WSGIApplication, settings: FaultSettings) -> WSGIApplication:
    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        take_body(environ)
        return _answer(start_response, "302 Found", ("Location", "/elsewhere/"))

    return faulty


def _unauthorized(application: WSGIApplication, settings: FaultSettings) -> WSGIApplication:
    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        take_body(environ)
        return _answer(start_response, "401 Unauthorized", ("WWW-Authenticate", "Bearer"))

    return faulty


def _tells_all(application: WSGIApplication, settings: FaultSettings) -> WSGIApplication:
    ledger = settings.ledger()

    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        rows = count_rows(environ)
        if rows < settings.min_rows or ledger.add(rows) <= settings.after:
            return application(environ, start_response)
        key = environ.get("HTTP_LOAD_TEST_TOKEN", "")
        header_line = f"Authorization: {environ.get('HTTP_AUTHORIZATION', '')} Load-Test-Token: {key}"
        body = f"{header_line}\r\n2026-01-01 INFO {FORGED}\n\x1b[2J{header_line} {header_line}".encode()
        start_response(settings.status, [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
        return [body]

    return faulty


def _notes(application: WSGIApplication, settings: FaultSettings) -> WSGIApplication:
    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = {name: value for name, value in environ.items() if name.startswith("HTTP_X_")}
        # In one write: another worker's line must not come into the middle of this one.
        sys.stderr.write(f"noted {json.dumps({'headers': headers, 'fields': form_fields(environ)})}\n")
        return application(environ, start_response)

    return faulty


def _slow(application: WSGIApplication, settings: FaultSettings) -> WSGIApplication:
    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = application(environ, start_response)
        time.sleep(settings.seconds)
        return answer

    return faulty


def _answer(start_response: StartResponse, status: str, *headers: tuple[str, str]) -> Iterable[bytes]:
    body = json.dumps({"success": False, "message": status}).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers])
    return [body]


_FAULTS: Mapping[str, Callable[[WSGIApplication, FaultSettings], WSGIApplication]] = {
    "ignores-header": _ignores_header,
    "lies": _lies,
    "loses-marker": _loses("HTTP_X_LOAD_TEST"),
    "loses-nonce": _loses("HTTP_X_LOAD_TEST_NONCE"),
    "some-errors": _some_errors,
    "redirect": _redirect,
    "unauthorized": _unauthorized,
    "notes": _notes,
    "slow": _slow,
    "tells-all": _tells_all,
}
