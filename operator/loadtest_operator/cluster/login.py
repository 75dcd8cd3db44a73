"""How the operator reaches the API server: with its ServiceAccount in a cluster, with a kubeconfig elsewhere."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import kopf
from kubernetes.aio import config
from kubernetes.aio.client import Configuration


async def client_configuration() -> Configuration:
    """The client's configuration; in a cluster its token is read again as it is renewed.

    Raises kubernetes.aio.config.ConfigException if there is neither a ServiceAccount nor a kubeconfig.
    """
    configuration = Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except config.ConfigException:
        await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    # Each running test has watches, and no other request may wait for one of them to end.
    configuration.connection_pool_maxsize = 0
    configuration.proxy = configuration.proxy or environment_proxy(configuration.host)
    # Otherwise the environment is read for every request, and with it ~/.netrc, on a thread.
    configuration.client_session_kwargs = {"trust_env": False}
    return configuration


def environment_proxy(server: str) -> str | None:
    """The proxy that the environment names for a server's URL; None if there is none, or the server is exempt."""
    url = urlsplit(server)
    if url.hostname is None or proxy_bypass(url.hostname):
        return None
    return getproxies().get(url.scheme)


async def connection_info() -> kopf.ConnectionInfo:
    """The same for kopf, which asks again when the API server no longer takes what it was given."""
    configuration = await client_configuration()
    scheme, _, token = (configuration.api_key.get("BearerToken") or "").partition(" ")
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme.capitalize() if token else None,
        token=token.strip() or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
    )
