"""The API server as an administrator uses it from a script: any object, by its own apiVersion and kind."""

import base64
import json
import ssl
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import urllib3
import yaml

Json = dict[str, Any]
T = TypeVar("T")

# The CRD takes half a second to read in Python, and a tenth of that in C, which not every build of PyYAML has.
_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

FIELD_MANAGER = "localcluster"
_TIMEOUT_SECONDS = 30.0
_MOST_CONNECTIONS = 16


class RestError(Exception):
    """The API server refused a request; the message is its own."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason


class Rest:
    """Blocking requests with one identity: a bearer token, or the client certificate in `tls`.

    Connections are kept: whoever waits for a condition asks ten times a second, and a handshake costs both sides more
    than the answer.
    """

    def __init__(self, server: str, token: str | None, tls: ssl.SSLContext) -> None:
        self.server = server
        self.is_authenticated = token is not None
        self._token = token
        self._tls = tls
        self._pool = urllib3.PoolManager(
            maxsize=_MOST_CONNECTIONS, ssl_context=tls, timeout=_TIMEOUT_SECONDS, retries=False
        )
        self._headers: dict[str, str] = {}
        self._plurals: dict[tuple[str, str], tuple[str, bool]] = {}

    @classmethod
    def from_kubeconfig(cls, path: Path) -> "Rest":
        """Requests as the kubeconfig's current context says."""
        config = yaml.safe_load(path.read_text())
        context = _find_entry(config, "contexts", config["current-context"])["context"]
        cluster = _find_entry(config, "clusters", context["cluster"])["cluster"]
        user = _find_entry(config, "users", context["user"])["user"]
        rest = cls(cluster["server"], user.get("token"), _tls_context(cluster, user, path.parent))
        rest.is_authenticated = any(user.get(key) for key in ("token", "client-certificate", "client-certificate-data"))
        return rest

    def with_token(self, token: str) -> "Rest":
        """The same server with another identity."""
        return Rest(self.server, token, self._tls)

    def impersonating(self, user: str) -> "Rest":
        """The same identity, which asks to act as somebody else."""
        rest = Rest(self.server, self._token, self._tls)
        rest._headers = {**self._headers, "Impersonate-User": user}
        return rest

    def call(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Json:
        """Send one request and return the answer's JSON; raise RestError for a refusal, OSError without an answer."""
        text = self.text(method, path, body, content_type=content_type, query=query)
        # /readyz and its like answer in plain text.
        answer: Json = json.loads(text) if text.startswith("{") else {}
        return answer

    def text(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        content_type: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> str:
        """The same, with the answer as it is."""
        target = path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        status, answer = self.ask(method, target, data, content_type)
        text = answer.decode(errors="replace")
        if status < 300:
            return text
        try:
            refusal = json.loads(text)
        except ValueError:
            refusal = {"message": text}
        raise RestError(status, refusal.get("reason", ""), refusal.get("message", ""))

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = "application/json",
        host: str | None = None,
    ) -> tuple[int, bytes]:
        """Send one request and return the answer's status, whatever it is, and its body.

        `host` stands in the Host header in place of the server's name: what the API server relays to a pod keeps it.
        """
        headers = {"Content-Type": content_type, "Accept": "application/json", **self._headers}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if host:
            headers["Host"] = host
        try:
            answer = self._pool.request(method, self.server + path, body=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise OSError(str(error)) from error
        return answer.status, answer.data

    def get_or_none(self, path: str) -> Json | None:
        """The object, None if there is none."""
        try:
            return self.call("GET", path)
        except RestError as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, selector: str = "") -> list[Json]:
        """The objects of a collection that carry the labels of a selector."""
        objects: list[Json] = self.call("GET", path, query={"labelSelector": selector} if selector else None)["items"]
        return objects

    def apply(self, document: Json, namespace: str = "default", *, dry_run: bool = False) -> Json:
        """Create or change an object, as `kubectl apply --server-side` does; a dry run does all but store it."""
        query = {"fieldManager": FIELD_MANAGER, "force": "true", "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        return self.call(
            "PATCH",
            self.path_of(document, namespace),
            document,
            content_type="application/apply-patch+yaml",
            query=query,
        )

    def delete(self, path: str, propagation: str = "Background") -> None:
        """Delete an object that may be gone already."""
        try:
            self.call("DELETE", path, {"propagationPolicy": propagation})
        except RestError as error:
            if error.status != 404:
                raise

    def path_of(self, document: Json, namespace: str = "default") -> str:
        """Where an object lives; `namespace` is for a namespaced object that names none."""
        version, kind = document["apiVersion"], document["kind"]
        plural, is_namespaced = self._resource(version, kind)
        root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        within = f"/namespaces/{document['metadata'].get('namespace', namespace)}" if is_namespaced else ""
        return f"{root}{within}/{plural}/{document['metadata']['name']}"

    def _resource(self, version: str, kind: str) -> tuple[str, bool]:
        if (version, kind) not in self._plurals:
            root = f"/api/{version}" if "/" not in version else f"/apis/{version}"
            for resource in self.call("GET", root)["resources"]:
                if "/" not in resource["name"]:
                    self._plurals[version, resource["kind"]] = (resource["name"], resource["namespaced"])
        return self._plurals[version, kind]


def documents(*files: Path) -> Iterator[Json]:
    """The objects in manifests, in their order."""
    for file in files:
        yield from (document for document in yaml.load_all(file.read_text(), _SAFE_LOADER) if document)


def wait_for(goal: str, look: Callable[[], T | None], seconds: float, *, poll_seconds: float = 0.1) -> T:
    """Look until there is something to return; raise TimeoutError, naming what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        result = look()
        if result:
            return result
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:g} s for {goal}")
        time.sleep(poll_seconds)


def _find_entry(config: Json, collection: str, name: str) -> Json:
    entries: Iterable[Json] = config[collection]
    return next(entry for entry in entries if entry["name"] == name)


def _tls_context(cluster: Json, user: Json, folder: Path) -> ssl.SSLContext:
    authority = cluster.get("certificate-authority-data")
    context = ssl.create_default_context(
        cafile=str(folder / cluster["certificate-authority"]) if "certificate-authority" in cluster else None,
        cadata=base64.b64decode(authority).decode() if authority else None,
    )
    if "client-certificate-data" in user:
        # The ssl module reads a certificate chain from files only.
        with tempfile.TemporaryDirectory() as folder_name:
            certificate, key = Path(folder_name, "crt"), Path(folder_name, "key")
            certificate.write_bytes(base64.b64decode(user["client-certificate-data"]))
            key.write_bytes(base64.b64decode(user["client-key-data"]))
            context.load_cert_chain(certificate, key)
    elif "client-certificate" in user:
        context.load_cert_chain(folder / user["client-certificate"], folder / user["client-key"])
    return context
