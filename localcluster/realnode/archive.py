"""An OCI archive that holds one static program, made without any tool for images."""

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def write_program_archive(program: Path, name: str, archive: Path) -> None:
    """Write an image whose only file is the program, which it runs; `name` is its name and tag in full."""
    layer = _tar({program.name: program.read_bytes()}, mode=0o755)
    config = {
        "architecture": _MACHINES.get(os.uname().machine, os.uname().machine),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
    }
    config_bytes = json.dumps(config).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config_bytes),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
        }
    ).encode()
    entry = _descriptor("application/vnd.oci.image.manifest.v1+json", manifest)
    index = {"schemaVersion": 2, "manifests": [{**entry, "annotations": {"io.containerd.image.name": name}}]}
    files = {"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": json.dumps(index).encode()}
    for blob in (layer, config_bytes, manifest):
        files["blobs/" + _digest(blob).replace(":", "/")] = blob
    archive.write_bytes(_tar(files, mode=0o644))


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _descriptor(media_type: str, content: bytes) -> dict[str, str | int]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
