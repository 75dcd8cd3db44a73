"""The pod's control server: snapshots for everybody who asks, commands from those who have their token."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec
from aiohttp import web

from loadtest_model.measurement.snapshot import PodState, Snapshot
from loadtest_model.protocol.commands import Ack, Arm, Halt, Start, TargetAddresses, Verb, token_fits
from loadtest_model.values import WireValue

_COMMANDS: Final[dict[Verb, type[WireValue] | None]] = {
    Verb.VERIFY: None,
    Verb.ARM: Arm,
    Verb.START: Start,
    Verb.CONCLUDE: None,
    Verb.STOP: None,
    Verb.HALT: Halt,
    Verb.ACK: Ack,
    Verb.ENDPOINTS: TargetAddresses,
}
_BODY_LIMIT_BYTES: Final = 1 << 20  # A thousand peers' addresses are some 20 KB.
_ENCODER: Final = msgspec.json.Encoder()

Handler = Callable[[web.Request], Awaitable[web.Response]]


class ControlledPod(Protocol):
    """The pod that the server reads and commands."""

    def snapshot(self, since: int) -> Snapshot:
        """What was measured, with those seconds that changed after the reading `since`."""
        ...

    def command(self, verb: Verb, body: Any) -> tuple[PodState, str | None]:
        """Obey a command; gives the state it led to and, if the state forbids the command, why."""
        ...


def control_application(pod: ControlledPod, digests: Mapping[str, str]) -> web.Application:
    """The server's routes. `digests` holds for each verb the digest of its token."""
    application = web.Application(client_max_size=_BODY_LIMIT_BYTES)
    application.router.add_get("/healthz", _answer_health)
    application.router.add_get("/snapshot", _snapshot_handler(pod))
    for verb in Verb:
        application.router.add_post(f"/{verb}", _command_handler(pod, verb, digests.get(verb)))
    return application


async def _answer_health(_request: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _snapshot_handler(pod: ControlledPod) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        text = request.query.get("since", "0")
        if not text.isdecimal():
            return _answer(400, {"error": f"since is {text!r}; it must be a sequence number"})
        return web.Response(body=_ENCODER.encode(pod.snapshot(int(text))), content_type="application/json")

    return handle


def _command_handler(pod: ControlledPod, verb: Verb, digest: str | None) -> Handler:
    body_type = _COMMANDS[verb]

    async def handle(request: web.Request) -> web.Response:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if digest is None or scheme.lower() != "bearer" or not token_fits(token, digest):
            return _answer(401, {"error": f"the command {verb} needs its token"})
        content = await request.read()
        try:
            body = None if body_type is None else msgspec.json.decode(content, type=body_type)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            return _answer(400, {"error": f"the command {verb} is malformed: {error}"})
        state, conflict = pod.command(verb, body)
        if conflict is not None:
            return _answer(409, {"error": conflict, "state": state})
        return _answer(200, {"state": state})

    return handle


def _answer(status: int, body: Mapping[str, str]) -> web.Response:
    return web.Response(status=status, body=_ENCODER.encode(body), content_type="application/json")
