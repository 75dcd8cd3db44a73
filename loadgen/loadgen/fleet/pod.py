"""A loadgen pod from its start to its exit. It obeys commands, and ends by itself if none come."""

import asyncio
import contextlib
import dataclasses
import signal
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from msgspec import structs

from loadgen import log
from loadgen.fleet.control import control_application
from loadgen.fleet.ending import End, exit_of, halted_end, linger_seconds, write_last_word
from loadgen.fleet.environment import PodSettings
from loadgen.fleet.peers import halt_peers, other_peers
from loadgen.fleet.standing import CommandDecision, PodAction, Standing, deadline_seconds, on_command
from loadgen.http.endpoints import parse_endpoint
from loadgen.load.debugging import log_trace, trace_of_check, trace_of_iteration
from loadgen.load.share import Share, cut, sole_error
from loadgen.proof.violations import BrokenPromiseError
from loadtest_model.measurement.snapshot import HaltReason, PodState, Snapshot
from loadtest_model.protocol.commands import CONTROL_PORT, Ack, Halt, Start, TargetAddresses, Verb, endpoints_digest
from loadtest_model.protocol.exits import PodExit
from loadtest_model.values import NANOSECONDS

_IDLE_STATES: Final = frozenset({PodState.VERIFIED, PodState.ARMED})
"""The states in which a pod has proven the target and loads it later."""

_BROKEN_PROMISES: Final = frozenset({HaltReason.VIOLATION, HaltReason.PEER})
"""A pod halts for these reasons because the target may have stored rows."""

OTHERS_GRACE_SECONDS: Final = 5.0
"""So long after the plan's last instant for its load, no pod has an upload in flight."""


class Pod:
    """One pod's run. `clock_ns` is the monotonic clock of all its instants."""

    def __init__(self, settings: PodSettings, clock_ns: Callable[[], int]) -> None:
        plan = settings.plan
        self._settings = settings
        self._plan = plan
        self._clock_ns = clock_ns
        self._standing = Standing()
        self._state_entry_ns = clock_ns()
        self._state_change = asyncio.Event()
        self._forced_end: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._release = asyncio.Event()
        self._start: Start | None = None
        self._start_ns = 0
        self._final_snapshot: Snapshot | None = None
        self._share = Share(plan, settings.pod_index, settings.pod_uid, clock_ns)
        goes_first = self._share.resolves_name and settings.pod_index == 0
        self._endpoints_digest = endpoints_digest(plan.target.addresses, goes_first=goes_first)
        if plan.debug:
            self._share.observe(lambda iteration: log_trace(trace_of_iteration(iteration)))
            self._share.observe_checks(lambda *check: log_trace(trace_of_check(*check)))

    async def run(self) -> PodExit:
        """Serve, obey and exit. SIGTERM and SIGINT end its load within `STOP_SECONDS`."""
        runner = web.AppRunner(
            control_application(self, self._plan.command_digests),
            access_log=None,
            handle_signals=False,
            shutdown_timeout=1.0,
        )
        await runner.setup()
        try:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._terminate, number)
            await web.TCPSite(runner, self._settings.ip, CONTROL_PORT).start()
            log.info("waiting", pod=self._settings.pod_index, plan=self._share.plan_hash)
            async with asyncio.TaskGroup() as tasks:
                states_task = tasks.create_task(self._go_through_states_or_fail())
                end = await self._await_end(states_task)
                await self._leave(end)
            return exit_of(end)
        finally:
            await runner.cleanup()

    def snapshot(self, since: int) -> Snapshot:
        """The state as it stands; after the end always the last one."""
        snapshot = self._share.snapshot(since, self._standing.state)
        if self._final_snapshot is not None:
            return structs.replace(self._final_snapshot, steps=snapshot.steps)
        digest = "" if self._share.has_forgotten_addresses else self._endpoints_digest
        return structs.replace(snapshot, start_id=self._standing.start_id, endpoints=digest)

    def command(self, verb: Verb, body: Any) -> tuple[PodState, str | None]:
        """Obey a command, if the state allows it."""
        if isinstance(body, TargetAddresses):
            decision = self._take_addresses(body)
        else:
            decision = on_command(verb, body, self._standing, self._share.plan_hash, is_overdue=self._is_overdue())
        if decision.conflict is not None:
            log.warn("command refused", verb=str(verb), reason=decision.conflict)
        else:
            self._act(decision, body)
        return self._standing.state, decision.conflict

    def _take_addresses(self, body: TargetAddresses) -> CommandDecision:
        """Take in the target's addresses, in whatever state; a list with one that is none changes nothing."""
        try:
            addresses = tuple(parse_endpoint(address) for address in body.addresses)
        except ValueError as error:
            return CommandDecision(self._standing, conflict=str(error))
        self._share.update_addresses(
            addresses, more=body.more, age_seconds=body.age_seconds, goes_first=body.goes_first
        )
        if body.proof_seconds is not None and self._standing.state in _IDLE_STATES:
            self._share.renew_proofs(body.proof_seconds)
        self._endpoints_digest = endpoints_digest(body.addresses, more=body.more, goes_first=body.goes_first)
        log.info("endpoints", pod=self._settings.pod_index, addresses=body.addresses, more=body.more)
        return CommandDecision(self._standing)

    def _is_overdue(self) -> bool:
        """Whether the pod has stood where it is for longer than it may: one that was frozen finds out only now."""
        bound_seconds = deadline_seconds(self._standing.state, self._plan.deadlines)
        return bound_seconds is not None and self._clock_ns() - self._state_entry_ns > bound_seconds * NANOSECONDS

    def _act(self, decision: CommandDecision, body: Any) -> None:
        if (
            isinstance(body, Ack)
            and self._final_snapshot is not None
            and body.sequence >= self._final_snapshot.sequence
        ):
            self._release.set()
        if decision.action is PodAction.LOAD and isinstance(body, Start):
            self._start = body
            self._start_ns = self._clock_ns() + int(body.in_seconds * NANOSECONDS)
        if decision.action is PodAction.HALT and isinstance(body, Halt):
            is_by_peer = body.reason == HaltReason.PEER
            self._force_end(
                halted_end(HaltReason.PEER if is_by_peer else HaltReason.OPERATOR, body.message or body.reason)
            )
        if decision.action is PodAction.DRAIN:
            self._share.drain()
            if decision.standing.state is not PodState.RUNNING:
                self._force_end(End(PodState.DONE, "stopped before the load began"))
        self._enter(decision.standing)

    def _enter(self, standing: Standing) -> None:
        if self._standing.state.is_end and not standing.state.is_end:
            # A halt can overtake what the run was about to do next.
            return
        if standing != self._standing:
            log.info(str(standing.state), pod=self._settings.pod_index, startId=standing.start_id)
            self._standing = standing
            self._state_entry_ns = self._clock_ns()
            self._state_change.set()

    def _force_end(self, end: End) -> None:
        if not self._forced_end.done():
            self._forced_end.set_result(end)

    def _terminate(self, number: signal.Signals) -> None:
        self._force_end(halted_end(HaltReason.SIGNAL, f"the pod received {number.name}"))
        self._release.set()

    async def _go_through_states_or_fail(self) -> End:
        try:
            return await self._go_through_states()
        except Exception as group:
            error = sole_error(group)
            log.error("defect", error)
            return halted_end(HaltReason.DEFECT, f"{type(error).__name__}: {error}")

    async def _go_through_states(self) -> End:
        while True:
            self._state_change.clear()
            match self._standing.state:
                case PodState.VERIFYING:
                    report = await self._share.prove()
                    log.info(
                        "verification", proven=report.is_proven, message=report.message, canaries=report.canary_ids
                    )
                    if not report.is_proven:
                        return End(PodState.REFUSED, report.message)
                    self._enter(Standing(PodState.VERIFIED))
                case PodState.RUNNING:
                    end = await self._load()
                    if end.state is not PodState.DONE or not self._share.reads_back:
                        return end
                    self._enter(Standing(PodState.LOADED, self._standing.start_id))
                case PodState.LOADED:
                    # Without a word from the operator the plan says when every load is over.
                    await self._state_changes_within(max(0.0, self._remaining_span_seconds()) + OTHERS_GRACE_SECONDS)
                    self._enter(Standing(PodState.CONCLUDING, self._standing.start_id))
                case PodState.CONCLUDING:
                    await self._share.conclude()
                    return End(PodState.DONE, self._share.notice)
                case state:
                    if (early_end := await self._await_command(state)) is not None:
                        return early_end

    async def _await_command(self, state: PodState) -> End | None:
        """Wait for the command that leads on; the end if none comes in time, or if a proven target breaks its promise.

        From its verification on the pod follows the target's addresses.
        """
        bound_seconds = deadline_seconds(state, self._plan.deadlines)
        following = {self._share.follow_addresses()} if state in _IDLE_STATES else set[asyncio.Task[None]]()
        command_task = asyncio.create_task(self._state_changes_within(bound_seconds))
        try:
            await asyncio.wait({command_task, *following}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            command_task.cancel()
        if self._standing.state is not state:
            return None
        try:
            for task in following:
                if task.done():
                    task.result()
        except* BrokenPromiseError:
            self._share.adopt_late_refusal()
        report = self._share.report
        if report is not None and not report.is_proven:
            return End(PodState.REFUSED, report.message)
        return halted_end(HaltReason.BARRIER, f"{state} for {bound_seconds:g} s without a further command")

    async def _state_changes_within(self, bound_seconds: float | None) -> bool:
        """Wait for the next state; False if none comes in time, counted from when this one was entered."""
        elapsed_seconds = (self._clock_ns() - self._state_entry_ns) / NANOSECONDS
        remaining_seconds = None if bound_seconds is None else max(0.0, bound_seconds - elapsed_seconds)
        try:
            async with asyncio.timeout(remaining_seconds):
                await self._state_change.wait()
        except TimeoutError:
            return False
        return True

    async def _load(self) -> End:
        violation = await self._share.load(self._start_ns)
        if violation is not None:
            return halted_end(HaltReason.VIOLATION, violation.message, violation)
        return End(PodState.DONE, self._share.notice)

    async def _await_end(self, states_task: asyncio.Task[End]) -> End:
        """How the run ended: by itself, or because it was cut. A violation outweighs the cut."""
        await asyncio.wait({states_task, self._forced_end}, return_when=asyncio.FIRST_COMPLETED)
        if not states_task.done():
            await cut(states_task)
        await self._share.stop_following()
        own_end = states_task.result() if states_task.done() and not states_task.cancelled() else None
        if own_end is not None and (own_end.violation is not None or not self._forced_end.done()):
            return own_end
        end, proof = self._forced_end.result(), self._share.report
        if proof is None or proof.is_proven or proof.refusal is not None:
            return end
        return dataclasses.replace(end, message=f"{end.message}; {proof.message}")

    async def _leave(self, end: End) -> None:
        """Make the last snapshot, tell the peers of a violation, and linger until the snapshot is acknowledged."""
        self._enter(Standing(end.state, self._standing.start_id))
        async with asyncio.TaskGroup() as tasks:
            halting_task = tasks.create_task(self._halt_peers(end))
            if end.halt_reason in _BROKEN_PROMISES and self._start is not None:
                await self._share.read_after_halt(end.violation)
            final = self._take_final_snapshot(end)
            await asyncio.to_thread(write_last_word, self._settings.termination_path, final, mesh=self._plan.mesh)
        unconfirmed_peers = halting_task.result()
        if unconfirmed_peers:
            # The Job's policy is the second net: this exit code ends the fleet.
            log.warn("peers did not confirm the halt", peers=unconfirmed_peers)
            return
        remaining_seconds = self._remaining_span_seconds() + self._plan.ending_seconds
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(linger_seconds(end, self._plan.deadlines, remaining_seconds)):
                await self._release.wait()

    def _take_final_snapshot(self, end: End) -> Snapshot:
        """The last snapshot: from now on nothing is recorded, and this is what everybody gets."""
        self._share.freeze()
        self._final_snapshot = structs.replace(
            self.snapshot(0),
            message=end.message,
            halt_reason=end.halt_reason,
            violation=end.violation,
            proofs=None,
            final=True,
        )
        log.info("ended", state=str(end.state), reason=end.halt_reason, message=end.message)
        return self._final_snapshot

    async def _halt_peers(self, end: End) -> tuple[str, ...]:
        if end.violation is None or self._start is None:
            return ()
        message = f"pod {self._settings.pod_index} saw a violation: {end.violation.message}"
        halt = Halt(reason=HaltReason.PEER, message=message)
        return await halt_peers(other_peers(self._start.peers, self._settings.ip), self._start.halt_token, halt)

    def _remaining_span_seconds(self) -> float:
        """How long the load of any pod may still last; negative when it is over, 0 without a start."""
        if self._start is None:
            return 0.0
        return sum(self._plan.step_span_seconds) - (self._clock_ns() - self._start_ns) / NANOSECONDS
