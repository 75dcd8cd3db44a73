"""How the operator reaches an API server behind a proxy that only the environment names."""

from pathlib import Path

import pytest
import yaml
from aiohttp import web
from kubernetes.aio.config import kube_config

from loadtest_operator.cluster.api import LOADTESTS, Api
from loadtest_operator.cluster.login import client_configuration, environment_proxy
from serving import serving

SERVER = "https://192.0.2.1:6443"


@pytest.mark.parametrize(
    ("environment", "proxy"),
    [
        ({}, None),
        ({"https_proxy": "http://192.0.2.9:3128"}, "http://192.0.2.9:3128"),
        ({"http_proxy": "http://192.0.2.9:3128"}, None),
        ({"https_proxy": "http://192.0.2.9:3128", "no_proxy": "192.0.2.1"}, None),
    ],
    ids=["none", "for https", "for http alone", "not for this server"],
)
def test_the_environment_names_a_proxy(
    environment: dict[str, str], proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert environment_proxy(SERVER) == proxy


async def test_a_netrc_of_the_same_host_keeps_no_request_from_the_api_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def answer(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer token"
        return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []})

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    async with serving(application) as port:
        kubeconfig, netrc = tmp_path / "kubeconfig", tmp_path / "netrc"
        kubeconfig.write_text(_kubeconfig(f"http://127.0.0.1:{port}"))
        netrc.write_text("machine 127.0.0.1 login somebody password else")
        netrc.chmod(0o600)
        monkeypatch.setattr(kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
        monkeypatch.setenv("NETRC", str(netrc))
        async with Api(await client_configuration(), retrying=None) as api:
            assert await api.list(LOADTESTS) == []


def _kubeconfig(server: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": server}}],
            "users": [{"name": "me", "user": {"token": "token"}}],
        }
    )
