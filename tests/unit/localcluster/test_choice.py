"""Which cluster CLUSTER means, and what is said where there is none."""

import json
from pathlib import Path
from typing import Any

import pytest

from localcluster.choice import ClusterKind, cluster_kind
from localcluster.current import CurrentCluster
from localcluster.supervisor_process import ClusterError


def kubeconfig(folder: Path, user: dict[str, Any]) -> Path:
    file = folder / "config"
    config = {
        "current-context": "shop",
        "contexts": [{"name": "shop", "context": {"cluster": "shop", "user": "me"}}],
        "clusters": [{"name": "shop", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "me", "user": user}],
    }
    file.write_text(json.dumps(config))
    return file


@pytest.mark.parametrize(
    ("value", "kind"), [(None, ClusterKind.LOCAL), ("", ClusterKind.LOCAL), ("node", ClusterKind.NODE)]
)
def test_the_local_cluster_is_taken_where_nothing_is_said(
    monkeypatch: pytest.MonkeyPatch, value: str | None, kind: ClusterKind
) -> None:
    monkeypatch.delenv("CLUSTER", raising=False)
    if value is not None:
        monkeypatch.setenv("CLUSTER", value)

    assert cluster_kind() is kind


def test_an_unknown_cluster_is_refused_with_those_that_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTER", "kind")

    with pytest.raises(ClusterError, match=r"CLUSTER=kind .* local, node, current"):
        cluster_kind()


def test_the_current_cluster_is_that_of_the_kubeconfig(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, {"token": "abc"})))

    assert CurrentCluster.from_environment().server == "https://127.0.0.1:1"


@pytest.mark.parametrize("user", [{}, {"exec": {"command": "log-in"}}])
def test_a_way_to_log_in_that_is_not_known_is_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, user: dict[str, Any]
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig(tmp_path, user)))

    with pytest.raises(ClusterError, match="neither a token nor a client certificate"):
        CurrentCluster.from_environment()


@pytest.mark.parametrize("content", ["", "a: [", "current-context: shop\ncontexts: []\n"])
def test_a_kubeconfig_that_names_no_cluster_is_refused_by_its_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "config"
    file.write_text(content)
    monkeypatch.setenv("KUBECONFIG", str(file))

    with pytest.raises(ClusterError, match=f"{file} names no cluster"):
        CurrentCluster.from_environment()
