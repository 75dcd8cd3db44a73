"""A container's environment and command line, from its pod's spec and what that refers to. Pure."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcluster.node.fields import Addresses, field_value, resource_value

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\))")
_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


class ConfigError(Exception):
    """Something the container refers to is missing; the message is the one a kubelet gives."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The Secrets and ConfigMaps of one namespace that a pod refers to, by name; those that exist."""

    namespace: str
    secrets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def secret(self, name: str) -> dict[str, bytes] | None:
        """Return the Secret's decoded data, None where there is no such Secret."""
        found = self.secrets.get(name)
        if found is None:
            return None
        return {key: base64.b64decode(value) for key, value in (found.get("data") or {}).items()}

    def config_map(self, name: str) -> dict[str, bytes] | None:
        """Return the ConfigMap's data as bytes, None where there is no such ConfigMap."""
        found = self.config_maps.get(name)
        if found is None:
            return None
        text = {key: value.encode() for key, value in (found.get("data") or {}).items()}
        binary = {key: base64.b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
        return {**text, **binary}


@dataclass(frozen=True, slots=True)
class Sources:
    """What a pod's environment and volumes are made from; capacity is the node's, by resource name."""

    pod: Mapping[str, Any]
    objects: Objects
    addresses: Addresses
    capacity: Mapping[str, str]


def expand(text: str, env: Mapping[str, str]) -> str:
    """Replace each $(NAME) that env knows, leave the others, and turn $$ into $."""

    def replaced(match: re.Match[str]) -> str:
        return "$" if match[1] else env.get(match[2], match[0])

    return _REFERENCE.sub(replaced, text)


def references(container: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the names of the Secrets and of the ConfigMaps that the container's environment needs."""
    secrets: set[str] = set()
    config_maps: set[str] = set()
    for entry in container.get("envFrom", []):
        secrets.update(_name(entry.get("secretRef")))
        config_maps.update(_name(entry.get("configMapRef")))
    for entry in container.get("env", []):
        source = entry.get("valueFrom") or {}
        secrets.update(_name(source.get("secretKeyRef")))
        config_maps.update(_name(source.get("configMapKeyRef")))
    return secrets, config_maps


def environment(container: Mapping[str, Any], sources: Sources, base: Mapping[str, str]) -> dict[str, str]:
    """Return the container's environment: base, then envFrom, then env, each later entry over the earlier.

    Raise ConfigError when an object or a key that is not optional is missing.
    """
    env = dict(base)
    for entry in container.get("envFrom", []):
        env.update(_env_from(entry, sources.objects))
    for entry in container.get("env", []):
        value = _env_value(container, entry, sources, env)
        if value is not None:
            env[entry["name"]] = value
    return env


def command_line(container: Mapping[str, Any], entrypoint: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return what to execute; raise ConfigError where neither the container nor its image says."""
    command = [expand(word, env) for word in container.get("command") or entrypoint]
    if not command:
        raise ConfigError("no command specified")
    return [*command, *(expand(word, env) for word in container.get("args", []))]


def _name(reference: Mapping[str, Any] | None) -> set[str]:
    return {reference["name"]} if reference else set()


def _env_from(entry: Mapping[str, Any], objects: Objects) -> dict[str, str]:
    if "secretRef" in entry:
        reference, kind = entry["secretRef"], "secret"
        data = objects.secret(reference["name"])
    else:
        reference, kind = entry["configMapRef"], "configmap"
        data = objects.config_map(reference["name"])
    if data is None:
        if reference.get("optional"):
            return {}
        raise ConfigError(f'{kind} "{reference["name"]}" not found')
    prefix = entry.get("prefix", "")
    named = {prefix + key: value.decode() for key, value in data.items()}
    return {key: value for key, value in named.items() if _NAME.fullmatch(key)}


def _env_value(
    container: Mapping[str, Any], entry: Mapping[str, Any], sources: Sources, env: Mapping[str, str]
) -> str | None:
    source = entry.get("valueFrom")
    objects = sources.objects
    if source is None:
        return expand(entry.get("value", ""), env)
    if "fieldRef" in source:
        return field_value(sources.pod, source["fieldRef"]["fieldPath"], sources.addresses)
    if "resourceFieldRef" in source:
        return resource_value(container, source["resourceFieldRef"], sources.capacity)
    if "secretKeyRef" in source:
        reference = source["secretKeyRef"]
        return _key(objects.secret(reference["name"]), reference, "Secret", objects.namespace)
    reference = source["configMapKeyRef"]
    return _key(objects.config_map(reference["name"]), reference, "ConfigMap", objects.namespace)


def _key(data: Mapping[str, bytes] | None, reference: Mapping[str, Any], kind: str, namespace: str) -> str | None:
    name, key = reference["name"], reference["key"]
    if data is not None and key in data:
        return data[key].decode()
    if reference.get("optional"):
        return None
    if data is None:
        raise ConfigError(f'{kind.lower()} "{name}" not found')
    raise ConfigError(f"couldn't find key {key} in {kind} {namespace}/{name}")
