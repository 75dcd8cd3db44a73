"""The API server as the node uses it: plain JSON requests, and a cache that follows one resource."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

Object = dict[str, Any]

MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"
_WATCH_SECONDS = 240
_RETRY_SECONDS = 0.2


class ApiError(Exception):
    """The API server refused a request."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason


def _refusal(status: int, text: str) -> ApiError:
    """Return the error of an answer, which is a Status object unless the request did not get that far."""
    try:
        answer = json.loads(text)
    except ValueError:
        answer = {"message": text}
    return ApiError(status, answer.get("reason", ""), answer.get("message", ""))


class Api:
    """Requests with one identity. The session belongs to the caller, who closes it."""

    def __init__(self, session: aiohttp.ClientSession, server: str, token: str, ca_file: str) -> None:
        self._session = session
        self._server = server
        self._headers = {"Authorization": f"Bearer {token}"}
        self._tls = ssl.create_default_context(cafile=ca_file)

    async def call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        content_type: str = "application/json",
    ) -> Object:
        """Send one request and return the answer's JSON; raise ApiError for a refusal.

        While the API server is away or overloaded the request is sent again, so it may have been carried out
        before: a creation is then refused with 409.
        """
        while True:
            try:
                return await self._call_once(method, path, body, content_type)
            except (aiohttp.ClientError, TimeoutError):
                await asyncio.sleep(_RETRY_SECONDS)
            except ApiError as error:
                if error.status < 500 and error.status != 429:
                    raise
                await asyncio.sleep(_RETRY_SECONDS)

    async def _call_once(self, method: str, path: str, body: Object | None, content_type: str) -> Object:
        async with self._session.request(
            method,
            self._server + path,
            data=None if body is None else json.dumps(body),
            headers={**self._headers, "Content-Type": content_type},
            ssl=self._tls,
        ) as response:
            text = await response.text()
            if response.status >= 400:
                raise _refusal(response.status, text)
            answer: Object = json.loads(text)
            return answer

    async def get_or_none(self, path: str) -> Object | None:
        """Return the object, None if there is none."""
        try:
            return await self.call("GET", path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def watch(self, path: str, resource_version: str) -> AsyncIterator[Object]:
        """Yield watch events until the server ends the watch."""
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(_WATCH_SECONDS),
        }
        timeout = aiohttp.ClientTimeout(total=None, sock_read=_WATCH_SECONDS + 30)
        async with self._session.get(
            self._server + path, params=query, headers=self._headers, ssl=self._tls, timeout=timeout
        ) as response:
            if response.status >= 400:
                raise ApiError(response.status, "", await response.text())
            pending = b""
            async for chunk in response.content.iter_any():
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)


@dataclass(slots=True)
class Cache:
    """What a resource's objects were when last heard of, by UID; on_change is told of each one's news.

    on_change gets the object and whether it still exists. A connection that breaks is made again, and what
    was missed meanwhile is found by a fresh list.
    """

    path: str
    on_change: Callable[[Object, bool], None]
    objects: dict[str, Object] = field(default_factory=dict)
    synced: asyncio.Event = field(default_factory=asyncio.Event)

    async def follow(self, api: Api) -> None:
        """Keep the cache current until cancelled."""
        while True:
            try:
                resource_version = await self._list(api)
                await self._watch(api, resource_version)
            except (aiohttp.ClientError, TimeoutError, ApiError):
                await asyncio.sleep(_RETRY_SECONDS)

    async def _list(self, api: Api) -> str:
        answer = await api.call("GET", self.path)
        listed_items = {item["metadata"]["uid"]: item for item in answer["items"]}
        for uid in [uid for uid in self.objects if uid not in listed_items]:
            self.on_change(self.objects.pop(uid), False)
        for uid, item in listed_items.items():
            cached_item = self.objects.get(uid)
            if cached_item is None or cached_item["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
                self._store(item)
        self.synced.set()
        return str(answer["metadata"]["resourceVersion"])

    async def _watch(self, api: Api, resource_version: str) -> None:
        while True:
            async for event in api.watch(self.path, resource_version):
                item = event["object"]
                if event["type"] == "ERROR":
                    return
                resource_version = item["metadata"]["resourceVersion"]
                if event["type"] == "DELETED":
                    self.objects.pop(item["metadata"]["uid"], None)
                    self.on_change(item, False)
                elif event["type"] != "BOOKMARK":
                    self._store(item)

    def _store(self, item: Object) -> None:
        self.objects[item["metadata"]["uid"]] = item
        self.on_change(item, True)
