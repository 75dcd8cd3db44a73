"""What the node with real containers decides and keeps, without one."""

import asyncio
import io
import json
import shutil
import tarfile
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from localcluster.realnode import node_network
from localcluster.realnode.archive import write_program_archive
from localcluster.realnode.cluster import plain_log
from localcluster.realnode.images import fingerprint
from localcluster.realnode.logs import keep_logs
from localcluster.realnode.node_network import NodeNetwork, NodeNetworkError
from localcluster.rest import wait_for


def write_log(root: Path, pod: str, text: str, run: int = 0) -> Path:
    file = root / f"shop_{pod}_uid-{pod}" / "main" / f"{run}.log"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


async def until_exists(path: Path) -> None:
    await asyncio.to_thread(wait_for, path.name, path.exists, 10, poll_seconds=0.01)


async def test_what_a_pod_wrote_stays_when_the_kubelet_removes_it(tmp_path: Path) -> None:
    logs, archive = tmp_path / "pods", tmp_path / "kept"
    file = write_log(logs, "gone", "before\n")
    archived_file = archive / "shop_gone" / "main" / "uid-gone_0.log"
    task = asyncio.create_task(keep_logs(logs, archive))

    await until_exists(archived_file)
    with file.open("a") as log:
        log.write("after\n")
    shutil.rmtree(file.parents[1])

    assert archived_file.read_text() == "before\nafter\n"
    assert not task.done()
    task.cancel()


async def test_pods_that_come_and_go_do_not_end_the_keeping_of_logs(tmp_path: Path) -> None:
    logs, archive = tmp_path / "pods", tmp_path / "kept"

    def come_and_go() -> None:
        for number in range(3000):
            shutil.rmtree(write_log(logs, f"pod{number % 50}", "x").parents[1])

    task = asyncio.create_task(keep_logs(logs, archive, look_seconds=0.0))
    try:
        await asyncio.to_thread(come_and_go)
        write_log(logs, "last", "x")

        await until_exists(archive / "shop_last" / "main" / "uid-last_0.log")
    finally:
        task.cancel()


def test_a_log_is_read_without_what_the_kubelet_adds() -> None:
    lines = ["00.1Z stdout F a line", "00.2Z stderr P half ", "00.3Z stderr F one"]

    assert plain_log("".join(f"2026-11-29T23:00:{line}\n" for line in lines)) == "a line\nhalf one\n"


def test_a_node_takes_no_network_that_a_route_uses_or_that_is_claimed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used = [IPv4Network(f"10.{octet}.0.0/16") for octet in range(128, 256) if octet != 200]
    monkeypatch.setattr(node_network, "_networks_in_use", lambda: [IPv4Network("0.0.0.0/0"), *used])

    with node_network.free_network() as network:
        assert network == NodeNetwork(200)
        with pytest.raises(NodeNetworkError, match="is in use"), node_network.free_network():
            pass

    monkeypatch.setattr(node_network, "_networks_in_use", lambda: [IPv4Network("10.0.0.0/8")])
    with pytest.raises(NodeNetworkError, match="is in use"), node_network.free_network():
        pass


def test_an_archive_of_a_program_holds_what_its_digests_say(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")

    write_program_archive(program, "docker.io/localcluster/pause:1", tmp_path / "pause.tar")

    with tarfile.open(tmp_path / "pause.tar") as archive:

        def blob(digest: str) -> bytes:
            file = archive.extractfile("blobs/" + digest.replace(":", "/"))
            assert file is not None
            return file.read()

        index = archive.extractfile("index.json")
        assert index is not None
        (entry,) = json.load(index)["manifests"]
        manifest = json.loads(blob(entry["digest"]))
        config = json.loads(blob(manifest["config"]["digest"]))
        with tarfile.open(fileobj=io.BytesIO(blob(manifest["layers"][0]["digest"]))) as layer:
            (member,) = layer.getmembers()
    assert entry["annotations"]["io.containerd.image.name"] == "docker.io/localcluster/pause:1"
    assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
    assert config["config"]["Entrypoint"] == ["/pause"]
    assert (member.name, member.mode) == ("pause", 0o755)


def test_images_are_made_anew_when_and_only_when_a_source_changes(tmp_path: Path) -> None:
    (tmp_path / "operator" / "__pycache__").mkdir(parents=True)
    source = tmp_path / "operator" / "app.py"
    source.write_text("one")
    first = fingerprint(tmp_path, ["operator"])

    (tmp_path / "operator" / "__pycache__" / "app.pyc").write_text("bytecode")
    (tmp_path / "beside.py").write_text("not a source")
    same = fingerprint(tmp_path, ["operator"])
    source.write_text("two")
    changed = fingerprint(tmp_path, ["operator"])

    assert first == same
    assert first != changed
