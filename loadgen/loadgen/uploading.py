"""One upload from its records to its judgement: compose, send to an address, judge the answer."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from yarl import URL

from loadgen.diagnosing import RequestFacts, diagnose
from loadgen.endpoints import Endpoint, Site, site_of
from loadgen.formats import FileBody, FileFormat
from loadgen.formats import file_format as file_format_named
from loadgen.judging import AnswerPaths, Judgement, judge, printable
from loadgen.multipart import Form
from loadgen.records import Composer, RecordSpace, load_pools
from loadgen.request_headers import upload_headers
from loadgen.retry_after import retry_after_seconds
from loadgen.tokens import TokenFile, expiry_of
from loadgen.transport import Client, Progress, Request
from loadtest_model.outcomes import ErrorKind
from loadtest_model.plan import Plan

ANSWER_TEXT_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Upload:
    """A finished upload. `status` is None where no complete answer came, and `answer_text` then empty.

    `bytes_total` is the length of the whole body, sent or not. `retry_after_seconds` is the pause that a 429 or 503
    asked for, an hour at most. `answer_text` is the answer's first `ANSWER_TEXT_CHARACTERS`, made printable.
    """

    rows: int
    first_client_id: str | None
    endpoint: Endpoint
    status: int | None
    judgement: Judgement
    bytes_total: int = 0
    retry_after_seconds: float | None = None
    answer_text: str = ""

    @property
    def error(self) -> ErrorKind | None:
        return self.judgement.error


class Uploader:
    """Makes the uploads of one pod. `make_nonce` gives a fresh unguessable text at each call."""

    def __init__(
        self,
        plan: Plan,
        pod_index: int,
        site: Site,
        composer: Composer,
        file_format: FileFormat,
        make_nonce: Callable[[], str],
    ) -> None:
        target = plan.target
        self._site = site
        self._composer = composer
        self._format = file_format
        self._make_nonce = make_nonce
        self._paths = AnswerPaths(target.marker_path, target.count_path, target.nonce_path)
        self._form = Form(
            boundary=f"loadgen-{make_nonce()}",
            fields=target.form_fields,
            file_field=target.file_field,
            file_name=target.file_name,
            file_type=file_format.content_type,
        )
        file = target.token.file if target.token else None
        self._token = TokenFile(Path(file), target.auth_scheme) if file else None
        self._named_url = URL(f"{site.url.scheme}://{site.host_header}").join(site.url.relative())
        self._most_accepted_bytes = 0
        self._headers = upload_headers(target.headers, site.host_header, plan.run_id)
        self._timeout_seconds = target.timeout_seconds
        self._next_number = pod_index
        self._pods = plan.parallelism

    def token_expires_at(self) -> float | None:
        """When the target's token expires, in seconds since the epoch; None without a token, or where it does not say.

        Raises TokenUnreadableError where a token is wanted and none was ever read.
        """
        return None if self._token is None else self._token.expires_at()

    async def upload(self, client: Client, endpoint: Endpoint, rows: int, progress: Progress) -> Upload:
        """Upload a fresh batch to an address and judge the answer.

        `progress` tells how far it came, also when it is cancelled. Raises TokenUnreadableError where a token is
        called for and none could ever be read.
        """
        nonce = self._make_nonce()
        headers = self._headers.copy()
        headers["X-Load-Test-Nonce"] = nonce
        if self._token is not None:
            headers["Authorization"] = self._token.authorization()
        batch = self._composer.compose(rows)
        request = self._request(endpoint, headers, await self._format.encode(batch))
        exchange = await client.post(request, progress, self._timeout_seconds)
        if exchange.answer is None:
            judgement = Judgement(exchange.error, exchange.detail)
        else:
            judgement = judge(exchange.answer, rows, nonce, self._paths)
        if judgement.error is None:
            self._most_accepted_bytes = max(self._most_accepted_bytes, request.length)
        else:
            facts = self._facts(headers, request.length)
            judgement = replace(judgement, cause=diagnose(judgement, exchange.answer, facts))
        if judgement.error is ErrorKind.UNAUTHORIZED and self._token is not None:
            self._token.expire()
        answer = exchange.answer
        return Upload(
            rows=rows,
            first_client_id=batch.first_client_id,
            endpoint=endpoint,
            status=answer.status if answer else None,
            judgement=judgement,
            bytes_total=request.length,
            retry_after_seconds=retry_after_seconds(answer.status, answer.headers, time.time()) if answer else None,
            answer_text=printable(answer.body, ANSWER_TEXT_CHARACTERS) if answer else "",
        )

    def _facts(self, headers: Mapping[str, str], body_bytes: int) -> RequestFacts:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        expires_at = expiry_of(token)
        return RequestFacts(
            url=self._named_url,
            scheme=scheme or None,
            token_expired=expires_at is not None and expires_at <= time.time(),
            body_bytes=body_bytes,
            most_accepted_bytes=self._most_accepted_bytes,
        )

    def _request(self, endpoint: Endpoint, headers: Mapping[str, str], body: FileBody) -> Request:
        number, self._next_number = self._next_number, self._next_number + self._pods
        head, tail = self._form.head(number), self._form.tail
        return Request(
            url=self._site.at(endpoint),
            server_hostname=self._site.server_hostname,
            headers=headers,
            content_type=self._form.content_type,
            length=len(head) + body.content_length + len(tail),
            parts=_framed(head, body, tail),
        )


def make_uploader(plan: Plan, pod_index: int, make_nonce: Callable[[], str]) -> Uploader:
    """The uploader of one pod, with records of its own. Takes some 50 ms.

    Raises ValueError where the plan's URL, format or record space is not valid.
    """
    file_format = file_format_named(plan.target.format)
    space = RecordSpace(plan.records.seed, plan.records.run_tag, pod_index, plan.parallelism)
    composer = Composer(space, load_pools(), file_format.rendering)
    return Uploader(plan, pod_index, site_of(plan.target.url), composer, file_format, make_nonce)


def _framed(head: bytes, body: FileBody, tail: bytes) -> Iterator[bytes | memoryview]:
    yield head
    yield from body.chunks()
    yield tail
