"""A container's environment and command line, from its pod's spec and what that refers to. Pure."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcluster.node.fields import Addresses, field_value, resource_value

_REFERENCE = re.compile(r"\$(?:(\$)|\(([^)]*)\))")


class ConfigError(Exception):
    """Something the container refers to is missing; the message is the one a kubelet gives."""


@dataclass(frozen=True, slots=True)
class Objects:
    """The Secrets and ConfigMaps of one namespace that a pod refers to, by name; those that exist."""

    namespace: str
    secrets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def secret(self, name: str) -> dict[str, bytes] | None:
        """Return the Secret's decoded data, None if there is no such Secret."""
        secret = self.secrets.get(name)
        if secret is None:
            return None
        return {key: base64.b64decode(value) for key, value in (secret.get("data") or {}).items()}

    def config_map(self, name: str) -> dict[str, bytes] | None:
        """Return the ConfigMap's data as bytes, None if there is no such ConfigMap."""
        config_map = self.config_maps.get(name)
        if config_map is None:
            return None
        text = {key: value.encode() for key, value in (config_map.get("data") or {}).items()}
        binary = {key: base64.b64decode(value) for key, value in (config_map.get("binaryData") or {}).items()}
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

    def replacement(match: re.Match[str]) -> str:
        return "$" if match[1] else env.get(match[2], match[0])

    return _REFERENCE.sub(replacement, text)


def service_variables(
    services: Iterable[Mapping[str, Any]], namespace: str, *, links: bool, api_server: tuple[str, int]
) -> dict[str, str]:
    """Return the variables by which a pod in namespace is told of Services.

    Those of the API server, whose host and port are given, are always there; with links, so are those of the
    namespace's Services that have a cluster IP.
    """
    variables = _link_variables("kubernetes", api_server[0], [("https", api_server[1], "TCP")])
    for service in services:
        metadata, spec = service["metadata"], service["spec"]
        is_linked = links and metadata["namespace"] == namespace and spec.get("clusterIP") not in {None, "", "None"}
        if is_linked and (namespace, metadata["name"]) != ("default", "kubernetes"):
            ports = [(port.get("name", ""), int(port["port"]), port.get("protocol", "TCP")) for port in spec["ports"]]
            variables |= _link_variables(metadata["name"], spec["clusterIP"], ports)
    return variables


def _link_variables(service: str, host: str, ports: Sequence[tuple[str, int, str]]) -> dict[str, str]:
    name = service.upper().replace("-", "_")
    first_port, first_protocol = ports[0][1:]
    variables = {
        f"{name}_SERVICE_HOST": host,
        f"{name}_SERVICE_PORT": str(first_port),
        f"{name}_PORT": f"{first_protocol.lower()}://{host}:{first_port}",
    }
    for port_name, port, protocol in ports:
        if port_name:
            variables[f"{name}_SERVICE_PORT_{port_name.upper().replace('-', '_')}"] = str(port)
        prefix = f"{name}_PORT_{port}_{protocol.upper()}"
        variables |= {
            prefix: f"{protocol.lower()}://{host}:{port}",
            f"{prefix}_PROTO": protocol.lower(),
            f"{prefix}_PORT": str(port),
            f"{prefix}_ADDR": host,
        }
    return variables


def references(container: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the names of the Secrets and of the ConfigMaps that the container's environment needs."""
    secrets: set[str] = set()
    config_maps: set[str] = set()
    for entry in container.get("envFrom", []):
        secrets.update(_referenced_name(entry.get("secretRef")))
        config_maps.update(_referenced_name(entry.get("configMapRef")))
    for entry in container.get("env", []):
        source = entry.get("valueFrom") or {}
        secrets.update(_referenced_name(source.get("secretKeyRef")))
        config_maps.update(_referenced_name(source.get("configMapKeyRef")))
    return secrets, config_maps


def environment(container: Mapping[str, Any], sources: Sources, services: Mapping[str, str]) -> dict[str, str]:
    """Return what the container's environment has besides its image's: services, then envFrom, then env.

    Each later entry replaces an earlier one, and may refer to it; none may refer to the image's variables. Raise
    ConfigError when an object or a key that is not optional is missing.
    """
    env = dict(services)
    for entry in container.get("envFrom", []):
        env.update(_env_from(entry, sources.objects))
    for entry in container.get("env", []):
        value = _env_value(container, entry, sources, env)
        if value is not None:
            env[entry["name"]] = value
    return env


def command_line(container: Mapping[str, Any], entrypoint: Sequence[str], env: Mapping[str, str]) -> list[str]:
    """Return what to execute; raise ConfigError if neither the container nor its image says.

    env is what environment returned: the words of the container's spec may refer to it, the image's may not.
    """
    command = [expand(word, env) for word in container.get("command", ())] or list(entrypoint)
    if not command:
        raise ConfigError("no command specified")
    return [*command, *(expand(word, env) for word in container.get("args", []))]


def _referenced_name(reference: Mapping[str, Any] | None) -> set[str]:
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
    return {prefix + key: value.decode() for key, value in data.items()}


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
        return _key_value(objects.secret(reference["name"]), reference, "Secret", objects.namespace)
    reference = source["configMapKeyRef"]
    return _key_value(objects.config_map(reference["name"]), reference, "ConfigMap", objects.namespace)


def _key_value(data: Mapping[str, bytes] | None, reference: Mapping[str, Any], kind: str, namespace: str) -> str | None:
    name, key = reference["name"], reference["key"]
    if data is not None and key in data:
        return data[key].decode()
    if reference.get("optional"):
        return None
    if data is None:
        raise ConfigError(f'{kind.lower()} "{name}" not found')
    raise ConfigError(f"couldn't find key {key} in {kind} {namespace}/{name}")
