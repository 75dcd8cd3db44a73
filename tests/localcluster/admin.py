"""The API server of a local cluster as its administrator sees it: plain, blocking requests."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class AdminError(Exception):
    """The API server refused a request; status is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Admin:
    """Requests with the administrator's token. ca_pem is what the server's certificate is checked against."""

    server: str
    token: str
    ca_pem: str

    @staticmethod
    def from_kubeconfig(path: Path) -> "Admin":
        """Return the administrator of a kubeconfig file that a local cluster wrote."""
        config = json.loads(path.read_bytes())
        cluster = config["clusters"][0]["cluster"]
        ca_pem = base64.b64decode(cluster["certificate-authority-data"]).decode()
        return Admin(cluster["server"], config["users"][0]["user"]["token"], ca_pem)

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        content_type: str = "application/json",
        timeout_seconds: float = 10.0,
    ) -> dict[str, Any]:
        """Send one request and return the answer's JSON; raise AdminError for a refusal, OSError without one."""
        request = urllib.request.Request(
            self.server + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content_type},
            method=method,
        )
        tls = ssl.create_default_context(cadata=self.ca_pem)
        try:
            with urllib.request.urlopen(request, timeout=timeout_seconds, context=tls) as response:
                answer = response.read()
        except urllib.error.HTTPError as error:
            with error:
                raise AdminError(error.code, error.read().decode(errors="replace")) from error
        fields: dict[str, Any] = json.loads(answer) if answer.startswith(b"{") else {}
        return fields

    def get(self, path: str) -> dict[str, Any] | None:
        """Return the object at path, None where there is none."""
        try:
            return self.call("GET", path)
        except AdminError as error:
            if error.status == 404:
                return None
            raise
