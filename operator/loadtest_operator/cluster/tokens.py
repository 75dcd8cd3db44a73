"""The key that commands are proven with: one Secret in the operator's own namespace, made when it is absent."""

import base64
import secrets
from typing import Any, Final

from loadtest_model.protocol.commands import Verb, command_token, token_digest
from loadtest_operator.cluster.api import SECRETS, Api, ApiError
from loadtest_operator.facts.names import MANAGED_BY, MANAGED_BY_LABEL

SECRET_NAME: Final = "loadtest-operator-command-key"  # noqa: S105 - the name of a Secret, not its content
_KEY: Final = "key"
_KEY_BYTES: Final = 32


async def command_key(api: Api, namespace: str) -> bytes:
    """The key, from its Secret. Of several operators that find none, the first to make it wins.

    Raises ApiError, and ValueError if a Secret of that name holds something else.
    """
    secret = await api.get(SECRETS, namespace, SECRET_NAME)
    if secret is None:
        try:
            secret = await api.create(SECRETS, namespace, _manifest(secrets.token_bytes(_KEY_BYTES)))
        except ApiError as error:
            if not error.already_exists:
                raise
            secret = await api.get(SECRETS, namespace, SECRET_NAME)
    key = base64.b64decode((secret or {}).get("data", {}).get(_KEY, ""))
    if len(key) < _KEY_BYTES:
        raise ValueError(
            f"Secret {namespace}/{SECRET_NAME} holds no key of {_KEY_BYTES} bytes; delete it and restart the operator"
        )
    return key


def command_digests(key: bytes, uid: str, run_id: str) -> dict[str, str]:
    """The digests of the tokens by which the pods of a run recognise each command."""
    return {str(verb): token_digest(command_token(key, uid, run_id, verb)) for verb in Verb}


def _manifest(key: bytes) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET_NAME, "labels": {MANAGED_BY_LABEL: MANAGED_BY}},
        "type": "Opaque",
        "data": {_KEY: base64.b64encode(key).decode()},
    }
