"""The files of a pod's volumes: which there are to be (pure), and how they get into a directory."""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from localcluster.node.environment import ConfigError, Sources
from localcluster.node.fields import field_value, resource_value
from localcluster.node.users import can_change_user

_DEFAULT_MODE = 0o644


@dataclass(frozen=True, slots=True)
class File:
    """One file of a volume."""

    content: bytes
    mode: int
    uid: int | None = None
    """Whose it is, None for the node's."""
    gid: int | None = None


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A service account token that a projected volume asks for."""

    audience: str
    expiration_seconds: int


def references(pod: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the names of the Secrets and of the ConfigMaps that the pod's volumes need."""
    secrets: set[str] = set()
    config_maps: set[str] = set()
    for volume in pod["spec"].get("volumes", []):
        if "secret" in volume:
            secrets.add(volume["secret"]["secretName"])
        if "configMap" in volume:
            config_maps.add(volume["configMap"]["name"])
        for source in volume.get("projected", {}).get("sources", []):
            if "secret" in source:
                secrets.add(source["secret"]["name"])
            if "configMap" in source:
                config_maps.add(source["configMap"]["name"])
    return secrets, config_maps


def token_requests(pod: Mapping[str, Any]) -> set[TokenRequest]:
    """Return the tokens that the pod's projected volumes ask for."""
    return {
        _token_request(source["serviceAccountToken"])
        for volume in pod["spec"].get("volumes", [])
        for source in volume.get("projected", {}).get("sources", [])
        if "serviceAccountToken" in source
    }


def volume_files(
    volume: Mapping[str, Any], sources: Sources, tokens: Mapping[TokenRequest, str], user: int | None
) -> dict[str, File] | None:
    """Return the volume's files by path, None for one that is written to; raise ConfigError for what is missing.

    tokens has the pod's token_requests; they belong to user, as whom all its containers run, None if they differ.
    """
    if is_writable(volume):
        return None
    if "secret" in volume:
        source = volume["secret"]
        return _secret_files({**source, "name": source["secretName"]}, sources, _mode(source))
    if "configMap" in volume:
        return _config_map_files(volume["configMap"], sources, _mode(volume["configMap"]))
    if "downwardAPI" in volume:
        return _downward_files(volume["downwardAPI"], sources, _mode(volume["downwardAPI"]))
    if "projected" in volume:
        return _projected_files(volume["projected"], sources, tokens, user)
    kind = next((key for key in volume if key != "name"), "emptyDir")
    raise ConfigError(f'volume "{volume["name"]}": the local cluster has no {kind} volumes')


def is_writable(volume: Mapping[str, Any]) -> bool:
    """Whether containers write to a volume: an emptyDir, or the folder that a claim stands for."""
    return "emptyDir" in volume or "persistentVolumeClaim" in volume


def with_group(files: Mapping[str, File], fs_group: int | None) -> dict[str, File]:
    """Return the files as the pod's fsGroup makes them: its own, and readable for it."""
    if fs_group is None:
        return dict(files)
    return {path: replace(file, mode=file.mode | 0o440, gid=fs_group) for path, file in files.items()}


def open_directory(directory: Path, fs_group: int | None) -> None:
    """Let everybody write in a directory of the pod's; what is made in it becomes its fsGroup's."""
    _chown(directory, None, fs_group)
    directory.chmod(0o777 if fs_group is None else 0o2777)


def write_files(directory: Path, files: Mapping[str, File]) -> None:
    """Replace what directory holds by files, all at once for whoever reads through the directory.

    The names in it are links into a dated directory that one rename of `..data` exchanges, as a kubelet does it.
    """
    current = directory / "..data"
    old_directory = current.resolve() if current.is_symlink() else None
    if old_directory is not None and _content(old_directory) == {
        path: (file.content, file.mode) for path, file in files.items()
    }:
        return
    new_directory = directory / f"..{time.time_ns()}"
    for path, file in files.items():
        target = new_directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        _chown(target, file.uid, file.gid)
        target.chmod(file.mode)
    new_directory.mkdir(parents=True, exist_ok=True)
    new_link = directory / "..data_tmp"
    new_link.symlink_to(new_directory.name)
    new_link.rename(current)
    top_names = {path.split("/", 1)[0] for path in files}
    for entry in os.listdir(directory):
        if not entry.startswith("..") and entry not in top_names:
            (directory / entry).unlink()
    for top_name in top_names:
        link = directory / top_name
        if not link.is_symlink():
            link.symlink_to(f"..data/{top_name}")
    if old_directory is not None:
        shutil.rmtree(old_directory)


def _chown(path: Path, uid: int | None, gid: int | None) -> None:
    # Otherwise what the node makes is its own, which in the container is its user's.
    if can_change_user():
        os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)


def _content(directory: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(directory)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in directory.rglob("*")
        if path.is_file()
    }


def _mode(source: Mapping[str, Any], default: int = _DEFAULT_MODE) -> int:
    return int(source.get("defaultMode", default))


def _token_request(source: Mapping[str, Any]) -> TokenRequest:
    return TokenRequest(source.get("audience", ""), int(source.get("expirationSeconds", 3600)))


def _item_files(data: Mapping[str, bytes] | None, source: Mapping[str, Any], kind: str, mode: int) -> dict[str, File]:
    optional = bool(source.get("optional"))
    if data is None:
        if optional:
            return {}
        raise ConfigError(f'{kind} "{source["name"]}" not found')
    items = source.get("items")
    if items is None:
        return {key: File(value, mode) for key, value in data.items()}
    files = {}
    for item in items:
        if item["key"] in data:
            files[item["path"]] = File(data[item["key"]], int(item.get("mode", mode)))
        elif not optional:
            problem = (
                "references non-existent secret" if kind == "secret" else "configmap references non-existent config"
            )
            raise ConfigError(f"{problem} key: {item['key']}")
    return files


def _secret_files(source: Mapping[str, Any], sources: Sources, mode: int) -> dict[str, File]:
    return _item_files(sources.objects.secret(source["name"]), source, "secret", mode)


def _config_map_files(source: Mapping[str, Any], sources: Sources, mode: int) -> dict[str, File]:
    return _item_files(sources.objects.config_map(source["name"]), source, "configmap", mode)


def _downward_files(source: Mapping[str, Any], sources: Sources, mode: int) -> dict[str, File]:
    files = {}
    for item in source.get("items", []):
        if "fieldRef" in item:
            text = field_value(sources.pod, item["fieldRef"]["fieldPath"], sources.addresses)
        else:
            reference = item["resourceFieldRef"]
            containers = sources.pod["spec"]["containers"]
            container = next(candidate for candidate in containers if candidate["name"] == reference["containerName"])
            text = resource_value(container, reference, sources.capacity)
        files[item["path"]] = File(text.encode(), int(item.get("mode", mode)))
    return files


def _projected_files(
    projected: Mapping[str, Any], sources: Sources, tokens: Mapping[TokenRequest, str], user: int | None
) -> dict[str, File]:
    mode = _mode(projected)
    files: dict[str, File] = {}
    for source in projected.get("sources", []):
        if "serviceAccountToken" in source:
            token_source = source["serviceAccountToken"]
            fs_group = (sources.pod["spec"].get("securityContext") or {}).get("fsGroup")
            token_mode = mode if user is None and fs_group is None else 0o600
            files[token_source["path"]] = File(tokens[_token_request(token_source)].encode(), token_mode, uid=user)
        elif "secret" in source:
            files |= _secret_files(source["secret"], sources, mode)
        elif "configMap" in source:
            files |= _config_map_files(source["configMap"], sources, mode)
        elif "downwardAPI" in source:
            files |= _downward_files(source["downwardAPI"], sources, mode)
        else:
            raise ConfigError(f"the local cluster projects no {next(iter(source), 'empty source')}")
    return files
