"""How the operator reaches the API server: with its ServiceAccount in a cluster, with a kubeconfig elsewhere."""

import kopf
from kubernetes.aio import config
from kubernetes.aio.client import Configuration


async def client_configuration() -> Configuration:
    """The client's configuration; in a cluster its token is read again as it is renewed.

    Raises kubernetes.aio.config.ConfigException where there is neither.
    """
    made = Configuration()
    try:
        config.load_incluster_config(client_configuration=made)  # type: ignore[no-untyped-call]
    except config.ConfigException:
        await config.load_kube_config(client_configuration=made)  # type: ignore[no-untyped-call]
    # Each running test has watches, and no other request may wait for one of them to end.
    made.connection_pool_maxsize = 0
    return made


async def connection_info() -> kopf.ConnectionInfo:
    """The same, as kopf wants it. It asks again when the API server no longer takes what it was given."""
    made = await client_configuration()
    scheme, _, token = (made.api_key.get("BearerToken") or "").partition(" ")
    return kopf.ConnectionInfo(
        server=made.host,
        ca_path=made.ssl_ca_cert,
        insecure=not made.verify_ssl,
        scheme=scheme.capitalize() if token else None,
        token=token.strip() or None,
        certificate_path=made.cert_file,
        private_key_path=made.key_file,
    )
