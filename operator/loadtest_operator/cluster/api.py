"""Kubernetes' API as the operator uses it: JSON in, JSON out, and errors that say what the API server said."""

from collections.abc import AsyncGenerator, Callable, Mapping
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlencode

import aiohttp
import msgspec
from kubernetes.aio.client import ApiClient, Configuration

from loadtest_model.spec import GROUP, PLURAL, VERSION
from loadtest_operator.cluster.api_errors import ApiError as ApiError  # noqa: PLC0414 - callers need both
from loadtest_operator.cluster.api_errors import reason_and_message, refusal, unreachable
from loadtest_operator.cluster.retries import Retrying

Json = dict[str, Any]

LOADTESTS: Final = f"apis/{GROUP}/{VERSION}/{PLURAL}"
JOBS: Final = "apis/batch/v1/jobs"
PODS: Final = "api/v1/pods"
SERVICES: Final = "api/v1/services"
ENDPOINT_SLICES: Final = "apis/discovery.k8s.io/v1/endpointslices"
CONFIG_MAPS: Final = "api/v1/configmaps"
NETWORK_POLICIES: Final = "apis/networking.k8s.io/v1/networkpolicies"
SECRETS: Final = "api/v1/secrets"
EVENTS: Final = "api/v1/events"
POD_METRICS: Final = "apis/metrics.k8s.io/v1beta1/pods"
WORKLOADS: Final = {
    "Deployment": "apis/apps/v1/deployments",
    "StatefulSet": "apis/apps/v1/statefulsets",
    "DaemonSet": "apis/apps/v1/daemonsets",
    "ReplicaSet": "apis/apps/v1/replicasets",
}
ADMISSION_POLICIES: Final = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
ADMISSION_BINDINGS: Final = "apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"
LEASES: Final = "apis/coordination.k8s.io/v1/leases"

FIELD_MANAGER: Final = "loadtest-operator"
_TIMEOUT_SECONDS: Final = 20.0
_RETRYING: Final = Retrying()
_PAGE: Final = 500
_WHOLE: Final = "application/json"
_METADATA: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


class PatchType(StrEnum):
    """How a patch is meant, as its content type."""

    MERGE = "application/merge-patch+json"
    APPLY = "application/apply-patch+yaml"


NO_ANSWER: Final = (TimeoutError, aiohttp.ClientError, OSError)
"""What a request raises that gets no answer, or not all of it."""


class Change(NamedTuple):
    """An object as it is now, or as it was last if it was removed.

    A bookmark is no object: it has nothing but the version that the watch has come to.
    """

    is_removed: bool
    object: Json
    is_bookmark: bool = False


class Api:
    """Requests by path. A resource's `kind` is its path without a namespace, such as `apis/batch/v1/jobs`.

    A request whose failure may pass is sent again for some seconds; without `retrying` it is sent once. Sending one
    twice is safe: names are unique, and changes carry the version or the UID of what they change.
    `fence` is asked before each request whether this operator may still act; it does not return if it may not.
    `on_answer` is called for each request with its verb and the status of the answer, 0 if there was none.
    """

    def __init__(
        self,
        configuration: Configuration,
        fence: Callable[[], None] = lambda: None,
        on_answer: Callable[[str, int], None] = lambda _verb, _status: None,
        timeout_seconds: float = _TIMEOUT_SECONDS,
        retrying: Retrying | None = _RETRYING,
    ) -> None:
        self._client = ApiClient(configuration)
        self._fence = fence
        self._on_answer = on_answer
        self._timeout_seconds = timeout_seconds
        self._retrying = retrying

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        await self._client.close()  # type: ignore[no-untyped-call]

    async def get(self, kind: str, namespace: str | None, name: str) -> Json | None:
        """One object; None if there is none.

        Raises ApiError for every other refusal.
        """
        try:
            return await self._request("GET", _path(kind, namespace, name))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def list_with_version(
        self,
        kind: str,
        namespace: str | None = None,
        selector: str = "",
        *,
        fields: str = "",
        metadata_only: bool = False,
    ) -> tuple[list[Json], str]:
        """All objects of a kind, of one namespace or of all, page by page, and the version that a watch goes on from.

        With `metadata_only`, no more of each than its metadata.
        """
        items: list[Json] = []
        query = {"limit": str(_PAGE), **_selector_query(selector, fields)}
        accept = _METADATA if metadata_only else _WHOLE
        while True:
            page = await self._request("GET", _path(kind, namespace), query, accept=accept)
            # A list of metadata alone that is empty has null here.
            items += page.get("items") or []
            following = page["metadata"].get("continue")
            if not following:
                return items, page["metadata"]["resourceVersion"]
            query["continue"] = following

    async def list(
        self,
        kind: str,
        namespace: str | None = None,
        selector: str = "",
        *,
        fields: str = "",
        metadata_only: bool = False,
    ) -> list[Json]:
        """All objects of a kind, as `list_with_version` gives them, without the version."""
        return (await self.list_with_version(kind, namespace, selector, fields=fields, metadata_only=metadata_only))[0]

    async def watch(
        self, kind: str, namespace: str | None, version: str, seconds: int, selector: str = "", *, fields: str = ""
    ) -> AsyncGenerator[Change, None]:
        """What changes after a version, one change after the other, for so many seconds; and bookmarks between them.

        Raises ApiError, also if the version is too old by now or the connection is lost.
        """
        query = {
            "watch": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(seconds),
            "allowWatchBookmarks": "true",
            **_selector_query(selector, fields),
        }
        # A connection that is dead without a word must not outlast what was asked for.
        timeout = aiohttp.ClientTimeout(total=seconds + _TIMEOUT_SECONDS)
        answer = await self._send("GET", _path(kind, namespace), query, None, {"Accept": _WHOLE}, timeout)
        try:
            if not 200 <= answer.status < 300:
                raise refusal(answer.status, await answer.read())
            async for line in answer.response.content:
                event = msgspec.json.decode(line)
                if event["type"] == "ERROR":
                    raise ApiError(event["object"].get("code", 0), *reason_and_message(event["object"]))
                yield Change(event["type"] == "DELETED", event["object"], event["type"] == "BOOKMARK")
        except (*NO_ANSWER, ValueError) as error:
            raise unreachable(error) from error
        finally:
            answer.response.close()

    async def create(self, kind: str, namespace: str, manifest: Json) -> Json:
        return await self._request("POST", _path(kind, namespace), {"fieldManager": FIELD_MANAGER}, manifest)

    async def replace(self, kind: str, namespace: str, name: str, manifest: Json) -> Json:
        return await self._request("PUT", _path(kind, namespace, name), {"fieldManager": FIELD_MANAGER}, manifest)

    async def patch(
        self, kind: str, namespace: str, name: str, body: Json, patch_type: PatchType = PatchType.MERGE
    ) -> Json:
        """Change an object; `name` may end with a subresource, as in `heavy/status`."""
        query = {"fieldManager": FIELD_MANAGER}
        if patch_type is PatchType.APPLY:
            query["force"] = "true"
        return await self._request("PATCH", _path(kind, namespace, name), query, body, patch_type)

    async def delete(self, kind: str, namespace: str, name: str, uid: str, resource_version: str = "") -> None:
        """Remove an object and what it owns, if it still is the one with this UID; one already gone is no error.

        With a version, it stays if it has changed since.
        """
        preconditions = {"uid": uid, **({"resourceVersion": resource_version} if resource_version else {})}
        body = {"propagationPolicy": "Background", "preconditions": preconditions}
        try:
            await self._request("DELETE", _path(kind, namespace, name), None, body)
        except ApiError as error:
            if not error.is_outdated:
                raise

    async def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content_type: str = _WHOLE,
        accept: str = _WHOLE,
    ) -> Json:
        async def send_once() -> Json:
            return await self._request_once(method, path, query, body, content_type, accept)

        return await (send_once() if self._retrying is None else self._retrying.repeat(send_once))

    async def _request_once(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Json | None,
        content_type: str,
        accept: str,
    ) -> Json:
        headers = {"Accept": accept, "Content-Type": content_type}
        answer = await self._send(method, path, query, body, headers, self._timeout_seconds)
        try:
            data = await answer.read()
        except NO_ANSWER as error:
            raise unreachable(error) from error
        if not 200 <= answer.status < 300:
            raise refusal(answer.status, data, answer.headers.get("Retry-After"))
        decoded: Json = msgspec.json.decode(data)
        return decoded

    async def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Json | None,
        headers: dict[str, str],
        bound: float | aiohttp.ClientTimeout,
    ) -> Any:
        await self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = f"{self._client.configuration.host}/{path}"
        if query:
            url += f"?{urlencode(query)}"
        self._fence()
        try:
            answer = await self._client.rest_client.request(  # type: ignore[no-untyped-call]
                method, url, headers=headers, body=body, _request_timeout=bound
            )
        except NO_ANSWER as error:
            self._on_answer(method, 0)
            raise unreachable(error) from error
        self._on_answer(method, answer.status)
        return answer


def _path(kind: str, namespace: str | None, name: str = "") -> str:
    prefix, _, plural = kind.rpartition("/")
    parts = [prefix]
    if namespace is not None:
        parts += ["namespaces", namespace]
    parts.append(plural)
    if name:
        parts.append(name)
    return "/".join(parts)


def _selector_query(selector: str, fields: str) -> dict[str, str]:
    selectors = {"labelSelector": selector, "fieldSelector": fields}
    return {name: value for name, value in selectors.items() if value}
