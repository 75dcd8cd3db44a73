"""Certificates for tests, made by the openssl program in a folder of the test's own."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True)
class Certificate:
    """A certificate and its key, in PEM."""

    file: Path
    key_file: Path

    def server_context(
        self, names: list[str | None] | None = None, client_authority: "Authority | None" = None
    ) -> ssl.SSLContext:
        """TLS of a server with this certificate.

        Every name that it is asked for is added to `names`. With `client_authority`, clients must show its certificate.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key_file)
        if names is not None:
            context.sni_callback = lambda _socket, name, _context: names.append(name)
        if client_authority is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_authority.file)
        return context


@dataclass(frozen=True)
class Authority:
    """An authority that signs certificates; made by `make_authority`."""

    folder: Path
    name: str

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}.crt"

    def sign(self, name: str, alternatives: str, *, days: int = 2, use: str = "serverAuth") -> Certificate:
        """A certificate for `alternatives`, such as `DNS:target.example,IP:127.0.0.1`; expired with `days` below 0."""
        certificate = Certificate(self.folder / f"{name}.crt", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternatives}\nextendedKeyUsage={use}\nbasicConstraints=CA:FALSE\n")
        _openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", str(certificate.key_file), "-out", str(request))
        self._issue(request, extensions, certificate.file, days)
        return certificate

    def delegate(self, folder: Path, name: str) -> "Authority":
        """An authority that this one signed."""
        authority = Authority(folder, name)
        request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
        extensions.write_text("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n")
        _openssl("req", *_KEY, "-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"), "-out", str(request))
        self._issue(request, extensions, authority.file, days=2)
        return authority

    def _issue(self, request: Path, extensions: Path, file: Path, days: int) -> None:
        authority = ("-CA", str(self.file), "-CAkey", str(self.folder / f"{self.name}.key"), "-CAcreateserial")
        period = ("-days", str(days), "-extfile", str(extensions), "-out", str(file))
        _openssl("x509", "-req", "-in", str(request), *authority, *period)


def make_authority(folder: Path, name: str = "authority") -> Authority:
    """A new authority whose files lie in `folder`."""
    files = ("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt"))
    usage = ("-addext", "keyUsage=critical,keyCertSign,cRLSign")
    _openssl("req", "-x509", *_KEY, "-days", "2", "-subj", f"/CN={name}", *usage, *files)
    return Authority(folder, name)


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)
