"""One upload from its records to its judgement: compose, send to an address, judge the answer."""

import asyncio
import os
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from itertools import chain
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from loadgen.answers.diagnosing import diagnose
from loadgen.answers.judging import AnswerJudgement, AnswerPaths, HttpAnswer, description_of, printable_text
from loadgen.answers.known_answers import KnownAnswers
from loadgen.answers.request_facts import RequestFacts
from loadgen.auth.credentials import AUTHORIZATION, Credentials, credentials_of, without_credentials
from loadgen.auth.tokens import expiry_of
from loadgen.formats import FileBody, FileFormat
from loadgen.formats import file_format as file_format_named
from loadgen.http.address_rules import rules_of
from loadgen.http.endpoints import Endpoint, site_of
from loadgen.http.multipart import Form
from loadgen.http.request_headers import header_lines, request_head, upload_headers
from loadgen.http.retry_after import retry_after_seconds
from loadgen.http.stalls import Stalls
from loadgen.http.target_clock import TargetClock
from loadgen.http.timeouts import UploadTimeouts
from loadgen.http.tls import tls_context
from loadgen.http.transport import Client, Exchange, Request, keeps_connections, open_client
from loadgen.http.upload_progress import UploadProgress
from loadgen.records import Batch, Composer, RecordSpace, load_pools
from loadgen.upload.routes import Route
from loadgen.upload.traces import Traces
from loadtest_model.measurement.outcomes import ErrorKind
from loadtest_model.plan import Plan
from loadtest_model.plan.columns import columns_of
from loadtest_model.spec.verification import Requirement

ANSWER_TEXT_CHARACTERS: Final = 200
_TEXT_BYTES: Final = 16_384


class Upload(Struct, frozen=True):
    """A finished upload. `status` is None where no complete answer came.

    `bytes_total` is the length of the whole body, sent or not. `retry_after_seconds` is the pause that a 429 or 503
    asked for, an hour at most. `first_client_id` is the id in its first row, and `first_row` is what that row is found
    by in the target, and `look_up_key` what a read-back looks for; an accepted upload has none of them, because nobody
    has to find its rows. `answer_body` is the answer's
    body, of which a token was taken out.
    """

    rows: int
    first_client_id: str | None
    endpoint: Endpoint
    status: int | None
    judgement: AnswerJudgement
    bytes_total: int = 0
    retry_after_seconds: float | None = None
    first_row: str = ""
    look_up_key: str | None = None
    answer_body: bytes = b""

    @property
    def error(self) -> ErrorKind | None:
        return self.judgement.error

    @property
    def detail(self) -> str:
        """What is to be said of it in one line: how it failed, or what an acceptance answered."""
        if self.status is None or self.judgement.error is not None:
            return self.judgement.detail
        return description_of(HttpAnswer(self.status, {}, self.answer_body))

    @property
    def answer_text(self) -> str:
        """The answer's first `ANSWER_TEXT_CHARACTERS`, made printable; empty without a complete answer."""
        return printable_text(self.answer_body, ANSWER_TEXT_CHARACTERS)


class Uploader:
    """Makes the uploads of one pod. `make_nonce` gives a fresh unguessable text at each call.

    `unechoed_uploads` counts the accepted uploads whose answers did not return their nonce; with `must_echo` none of
    those is accepted. `stalls`, which the watcher of the event loop keeps, shows what of an upload's time is our own.
    `clock` is the target's, as its answers tell it. `traces` gives each upload that is to be traced its `traceparent`,
    None where none has one.
    """

    def __init__(
        self,
        plan: Plan,
        pod_index: int,
        composer: Composer,
        file_format: FileFormat,
        make_nonce: Callable[[], str],
        credentials: Credentials,
    ) -> None:
        self.clock = TargetClock()
        self.stalls = Stalls()
        self.traces: Traces | None = None
        target = plan.target
        self._site = site_of(target.url, target.host, target.tls.server_name)
        self._composer = composer
        self._format = file_format
        self._make_nonce = make_nonce
        paths = AnswerPaths(target.marker_path, target.count_path, target.nonce_path, target.expect_count)
        self._known_answers = KnownAnswers(paths)
        self._form = Form(
            boundary=f"loadgen-{make_nonce()}",
            fields=target.form_fields,
            file_field=target.file_field,
            file_name=target.file_name,
            file_type=file_format.content_type,
        )
        self._credentials = credentials
        self._has_credentials = credentials.are_needed
        self._tls = target.tls
        self._tls_context: ssl.SSLContext | None = None
        self._rules = rules_of(plan.network)
        self._connections = target.connections
        headers = upload_headers(target.headers, self._site.host_header, plan.run_id)
        headers["Content-Type"] = self._form.content_type
        self._head = request_head(self._site.request_target, headers)
        self._timeouts = UploadTimeouts(
            total_seconds=target.timeout_seconds,
            connect_seconds=target.connect_timeout_seconds,
            upload_seconds=target.upload_timeout_seconds,
            answer_seconds=target.answer_timeout_seconds,
        )
        self._next_number = pod_index
        self._newest_confirmed_batch: Batch | None = None
        self.must_echo = plan.require == Requirement.ECHOED
        self.unechoed_uploads = 0
        self._named_url = URL(f"{self._site.url.scheme}://{self._site.host_header}").join(self._site.url.relative())
        self._most_accepted_bytes = 0
        self._pods = plan.parallelism

    @property
    def newest_confirmed_key(self) -> str | None:
        """What a read-back looks for of the upload that was accepted last, of those that had rows."""
        return None if self._newest_confirmed_batch is None else self._newest_confirmed_batch.look_up_key

    def load_certificates(self) -> None:
        """Read what https needs. Raises TlsUnusableError."""
        if self._site.url.scheme == "https" and self._tls_context is None:
            self._tls_context = tls_context(self._tls)

    @asynccontextmanager
    async def open_client(self, rows: int) -> AsyncIterator[Client]:
        """A client for uploads of so many rows, bound by the plan's address rules. 0 rows never keep a connection.

        Raises TlsUnusableError where `load_certificates` would.
        """
        self.load_certificates()
        keep_alive = rows > 0 and keeps_connections(self._connections, rows)
        async with open_client(self._rules, keep_alive=keep_alive, tls=self._tls_context, stalls=self.stalls) as client:
            yield client

    async def token_final_expiry(self) -> float | None:
        """When the target's token expires for good; None without one, or where it does not say or is renewed.

        Raises TokenUnreadableError where a token or a secret header is wanted and there is none.
        """
        return await self._credentials.final_expiry()

    async def keep_token_fresh(self) -> None:
        """Renew the target's token before it expires, until cancelled."""
        await self._credentials.keep_fresh()

    async def credentials(self) -> dict[str, str]:
        """The secret headers of uploads, the Authorization among them.

        Raises TokenUnreadableError where one is called for and none could ever be had.
        """
        return await self._credentials.headers()

    async def upload(
        self,
        client: Client,
        destination: Endpoint | Route,
        rows: int,
        progress: UploadProgress,
        *,
        is_traced: bool = False,
    ) -> Upload:
        """Upload a fresh batch to an address, or on a route that may lead to another, and judge the answer.

        `is_traced` says that it carries a `traceparent` if the plan asks for one.
        `progress` tells how far it came, also when it is cancelled. Raises TokenUnreadableError where a token is
        called for and none could ever be had.
        """
        nonce = self._make_nonce()
        head = self._head + b"X-Load-Test-Nonce: %s\r\n" % nonce.encode()
        if is_traced and self.traces is not None:
            trace = self.traces.next()
            progress.trace_id = trace.trace_id
            head += trace.header_line
        credentials: Mapping[str, str] = {}
        if self._has_credentials:
            credentials = await self._credentials.headers()
            head += header_lines(credentials)
        progress.composing_at = time.monotonic()
        batch = self._composer.compose(rows)
        if self._composer.has_rendered:
            # That took a millisecond or two, and so does the file's first chunk: others have their turn between them.
            await asyncio.sleep(0)
        progress.rows_of_file = batch
        route = destination if isinstance(destination, Route) else None
        endpoint = destination.endpoint if isinstance(destination, Route) else destination
        request = self._request(endpoint, head, await self._format.encode(batch))
        progress.ready_at = time.monotonic()
        if route is None:
            exchange = await client.post(request, progress, self._timeouts)
        else:
            exchange = await self._post_along_route(client, route, request, progress)
            endpoint = route.endpoint
        answer = exchange.answer
        judgement = self._judge(exchange, rows, nonce, batch)
        pause_seconds = None
        if judgement.error is None:
            self._most_accepted_bytes = max(self._most_accepted_bytes, request.length)
        else:
            if judgement.error is ErrorKind.UNAUTHORIZED:
                self._credentials.note_refusal(credentials)
            facts = self._request_facts(credentials, request.length, progress)
            judgement = replace(judgement, cause=exchange.cause or diagnose(judgement, answer, facts))
            if answer is not None:
                pause_seconds = retry_after_seconds(answer.status, answer.headers, time.time())
        answer_body = b"" if answer is None else answer.body
        if credentials:
            judgement = replace(judgement, detail=without_credentials(judgement.detail, credentials))
            answer_text = answer_body[:_TEXT_BYTES].decode("utf-8", "replace")
            answer_body = without_credentials(answer_text, credentials).encode()
        return Upload(
            rows=rows,
            first_client_id=None if judgement.error is None else batch.first_client_id,
            endpoint=endpoint,
            status=None if answer is None else answer.status,
            judgement=judgement,
            bytes_total=request.length,
            retry_after_seconds=pause_seconds,
            first_row="" if judgement.error is None else batch.first_row_name,
            look_up_key=None if judgement.error is None else batch.look_up_key,
            answer_body=answer_body,
        )

    def _judge(self, exchange: Exchange, rows: int, nonce: str, batch: Batch) -> AnswerJudgement:
        answer = exchange.answer
        if answer is None:
            return AnswerJudgement(exchange.error, exchange.detail)
        self.clock.observe(answer.headers)
        judgement = self._known_answers.judge(answer, rows, nonce, batch.valid_rows, must_echo=self.must_echo)
        if judgement.error is None:
            if rows:
                self._newest_confirmed_batch = batch
            self.unechoed_uploads += not judgement.is_echoed
        return judgement

    def _post_along_route(
        self, client: Client, route: Route, request: Request, progress: UploadProgress
    ) -> Awaitable[Exchange]:
        def attempt(endpoint: Endpoint) -> Awaitable[Exchange]:
            own_request = request if endpoint is request.endpoint else replace(request, endpoint=endpoint)
            return client.post(own_request, progress, self._timeouts, route)

        return route.try_addresses(attempt)

    def _request_facts(self, credentials: Mapping[str, str], body_bytes: int, progress: UploadProgress) -> RequestFacts:
        scheme, _, token = credentials.get(AUTHORIZATION, "").partition(" ")
        expires_at = expiry_of(token)
        started_at = progress.sending_at if progress.connecting_at is None else progress.connecting_at
        ended_at = progress.finished_at
        return RequestFacts(
            url=self._named_url,
            scheme=scheme or None,
            has_secret_headers=bool(credentials.keys() - {AUTHORIZATION}),
            is_token_expired=expires_at is not None and expires_at <= self.clock.now(),
            body_bytes=body_bytes,
            most_accepted_bytes=self._most_accepted_bytes,
            age_seconds=0.0 if started_at is None or ended_at is None else ended_at - started_at,
            is_body_read=progress.is_body_read,
        )

    def _request(self, endpoint: Endpoint, request_head: bytes, body: FileBody) -> Request:
        number, self._next_number = self._next_number, self._next_number + self._pods
        head, tail = self._form.head(number), self._form.tail
        return Request(
            endpoint=endpoint,
            server_hostname=self._site.server_hostname,
            head=request_head,
            length=len(head) + body.content_length + len(tail),
            parts=chain((head,), body.chunks(), (tail,)),
        )


def make_uploader(
    plan: Plan,
    pod_index: int,
    make_nonce: Callable[[], str],
    environment: Mapping[str, str] = os.environ,
) -> Uploader:
    """The uploader of one pod, with records of its own. Takes some 50 ms.

    `environment` holds the secrets that the plan looks for there. Raises ValueError where the plan's URL, format or
    record space is not valid, FieldRefusedError where a field cannot be made, and TokenUnreadableError where a variable
    holds no usable secret.
    """
    records = plan.records
    file_format = file_format_named(plan.target.format, columns_of(records.columns), records.dialect)
    space = RecordSpace(records.seed, records.run_tag, pod_index, plan.parallelism)
    look_up_column = plan.read_back.column if plan.read_back is not None else ""
    composer = Composer(space, load_pools(), file_format.rendering, records, look_up_column)
    clock = TargetClock()
    credentials = credentials_of(plan, environment, clock)
    uploader = Uploader(plan, pod_index, composer, file_format, make_nonce, credentials)
    uploader.clock = clock
    if plan.target.trace_sample_ratio is not None:
        # Seeded by the system, so that no two pods make the same ids.
        uploader.traces = Traces(plan.target.trace_sample_ratio, random.Random())  # noqa: S311 - ids are no secrets
    return uploader
