"""How the operator reaches the API server: with its ServiceAccount in a cluster, with a kubeconfig elsewhere."""

import kopf
from kubernetes.aio import config
from kubernetes.aio.client import Configuration


async def client_configuration() -> Configuration:
    """The client's configuration; in a cluster its token is read again as it is renewed.

    Raises kubernetes.aio.config.ConfigException where there is neither.
    """
    configuration = Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except config.ConfigException:
        await config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    # Each running test has watches, and no other request may wait for one of them to end.
    configuration.connection_pool_maxsize = 0
    return configuration


async def connection_info() -> kopf.ConnectionInfo:
    """The same, as kopf wants it. It asks again when the API server no longer takes what it was given."""
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
