"""What a pod mounts of the Secrets and ConfigMaps that a test names, and where it finds each file."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from loadtest_model.plan import SecretPlace, SecretPlaces
from loadtest_model.spec.target import Target

Json = dict[str, Any]

DIRECTORY: Final = "/var/run/loadtest"
_MODE: Final = 0o440
"""For the pod's own user and group alone."""


class MountSource(StrEnum):
    """The kind of the object that is mounted."""

    SECRET = "Secret"  # noqa: S105 - the name of a kind
    CONFIG_MAP = "ConfigMap"


@dataclass(frozen=True)
class MountedVolume:
    """A volume and its mount: some keys of one object, each with the file that it becomes."""

    name: str
    kind: MountSource
    object_name: str
    files: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        keys = [key for key, _ in self.files]
        return f"{self.kind} {self.object_name} (key{'s' * (len(keys) > 1)} {', '.join(keys)})"

    @property
    def volume(self) -> Json:
        items = [{"key": key, "path": path} for key, path in self.files]
        projection: Json = {"defaultMode": _MODE, "items": items}
        if self.kind is MountSource.SECRET:
            return {"name": self.name, "secret": {"secretName": self.object_name, **projection}}
        return {"name": self.name, "configMap": {"name": self.object_name, **projection}}

    @property
    def mount(self) -> Json:
        return {"name": self.name, "mountPath": f"{DIRECTORY}/{self.name}", "readOnly": True}


def mounted_volumes(target: Target) -> list[MountedVolume]:
    """Every volume that a target's spec asks for; no more than the keys that it names."""
    volumes: list[MountedVolume] = []
    auth, tls = target.auth, target.tls
    if auth and auth.secret_key_ref:
        volumes.append(_secret("auth", auth.secret_key_ref.name, (auth.secret_key_ref.key, "token")))
    if auth and auth.login:
        secret = auth.login.secret_ref
        volumes.append(
            _secret("login", secret.name, (secret.username_key, "username"), (secret.password_key, "password"))
        )
    if tls and tls.ca_secret_key_ref:
        volumes.append(_secret("ca", tls.ca_secret_key_ref.name, (tls.ca_secret_key_ref.key, "ca.crt")))
    if tls and tls.ca_config_map_key_ref:
        authority = tls.ca_config_map_key_ref
        volumes.append(MountedVolume("ca", MountSource.CONFIG_MAP, authority.name, ((authority.key, "ca.crt"),)))
    if tls and tls.client_certificate_secret_ref:
        pair = (("tls.crt", "tls.crt"), ("tls.key", "tls.key"))
        volumes.append(_secret("certificate", tls.client_certificate_secret_ref.name, *pair))
    for index, header in enumerate(target.headers_from):
        reference = header.secret_key_ref
        volumes.append(_secret(f"header-{index}", reference.name, (reference.key, "value")))
    return volumes


def secret_places(target: Target) -> SecretPlaces:
    """Where a pod finds what `mounted_volumes` gives it."""
    auth, tls = target.auth, target.tls
    login = bool(auth and auth.login)
    certificate = bool(tls and tls.client_certificate_secret_ref)
    authority = bool(tls and (tls.ca_secret_key_ref or tls.ca_config_map_key_ref))
    return SecretPlaces(
        token=SecretPlace(file=f"{DIRECTORY}/auth/token") if auth and auth.secret_key_ref else None,
        username=SecretPlace(file=f"{DIRECTORY}/login/username") if login else None,
        password=SecretPlace(file=f"{DIRECTORY}/login/password") if login else None,
        ca_file=f"{DIRECTORY}/ca/ca.crt" if authority else None,
        certificate_file=f"{DIRECTORY}/certificate/tls.crt" if certificate else None,
        key_file=f"{DIRECTORY}/certificate/tls.key" if certificate else None,
        headers={
            header.name: SecretPlace(file=f"{DIRECTORY}/header-{index}/value")
            for index, header in enumerate(target.headers_from)
        },
    )


def _secret(name: str, object_name: str, *files: tuple[str, str]) -> MountedVolume:
    return MountedVolume(name, MountSource.SECRET, object_name, files)
