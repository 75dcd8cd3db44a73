"""From a command line to the LoadTest that is applied."""

import argparse
import re
from pathlib import Path
from typing import Any, Final

from kubectl_loadtest.errors import WrongUsageError
from loadgen.options.document import draft_of
from loadgen.options.draft import Draft, put_secret_headers
from loadgen.options.errors import UsageError
from loadgen.options.manifest import Manifest, read_manifest
from loadgen.options.option_texts import named_texts, option, whole_number
from loadtest_model.spec import API_VERSION, KIND, Scenario

Json = dict[str, Any]

STANDARD_INPUT: Final = "-"
VERIFIED_ROWS: Final = 1_000
"""Rows of the full-size batch of a verification that names no other number."""

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_SECRETS: Final = {
    "token_secret": ("target.auth.secretKeyRef", "key"),
    "login_secret": ("target.auth.login.secretRef", ""),
    "ca_secret": ("target.tls.caSecretKeyRef", "key"),
    "client_cert_secret": ("target.tls.clientCertificateSecretRef", ""),
}


def document_from_options(options: argparse.Namespace, run_id: str) -> Json:
    """The LoadTest that a command line asks for, as a run of its own. Raises WrongUsageError, in the user's words.

    A manifest keeps its metadata. Without one the spec is checked here, where options can be named; a manifest is
    checked by the API server, which may know fields that this program does not.
    """
    if options.file is None and options.scenario is None:
        raise WrongUsageError(
            "error: name a scenario (light, medium, heavy, stress, all or custom) or a manifest (-f FILE)"
        )
    return _document(options, run_id, options.scenario)


def proof_from_options(options: argparse.Namespace, run_id: str) -> Json:
    """The LoadTest that proves the target of a command line and loads nothing. Raises WrongUsageError."""
    return _document(options, run_id, "verify", only_proof=True)


def _document(options: argparse.Namespace, run_id: str, default_name: str, *, only_proof: bool = False) -> Json:
    if options.file is None and options.url is None:
        raise WrongUsageError("error: --url is missing; say where files are uploaded, by --url or a manifest (-f FILE)")
    try:
        manifest = _manifest(options.file)
        # Variables such as DURATION steer loadgen on a laptop; kubectl is not steered by them.
        draft = draft_of(options, {}, manifest)
        _put_cluster_settings(draft, options)
        if only_proof:
            _put_proof_alone(draft)
        if manifest is None:
            draft.to_spec()
    except UsageError as error:
        raise WrongUsageError(f"error: {error}") from error
    manifest_name = manifest and (f"{manifest.name}-verify" if only_proof else manifest.name)
    name = options.name or manifest_name or default_name
    if _NAME.fullmatch(name) is None and manifest is None:
        raise WrongUsageError(f"error: --name is {name!r}; write lower-case letters, digits and -, such as heavy-north")
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {**(manifest.metadata if manifest else {}), "name": name},
        "spec": {**draft.spec, "runId": run_id, "stop": False},
    }


def _put_proof_alone(draft: Draft) -> None:
    """Ask for the proof without a load. A spec cannot do without one, so it has the least that there is."""
    draft.put("verification.only", True, "the command")
    if draft.has_manifest:
        return
    draft.put("scenario", Scenario.CUSTOM, "the scenario")
    draft.put("load.duration", "1s", "the duration")
    if "batchSize" not in draft.spec["load"]:
        draft.put("load.batchSize", VERIFIED_ROWS, "--batch-size")


def _manifest(file: str | None) -> Manifest | None:
    if file is None:
        return None
    return read_manifest(Path("/dev/stdin" if file == STANDARD_INPUT else file))


def _put_cluster_settings(draft: Draft, options: argparse.Namespace) -> None:
    """Set what only a test in a cluster has: its pods, and Secrets in place of files and variables."""
    if options.parallelism is not None:
        draft.put("parallelism", whole_number("--parallelism", options.parallelism), "--parallelism")
    if options.auth_scheme is not None:
        draft.put("target.auth.scheme", options.auth_scheme, "--auth-scheme")
    for name, (path, key_field) in _SECRETS.items():
        if (text := getattr(options, name)) is None:
            continue
        secret, slash, key = text.partition("/")
        if slash and not key_field:
            raise UsageError(f"{option(name)} is {text!r}; write the name of a Secret alone")
        draft.put(f"{path}.name", secret, option(name))
        if slash:
            draft.put(f"{path}.{key_field}", key, option(name))
    header_texts = named_texts("--header-secret", options.header_secret, ":", "SECRET[/KEY]")
    put_secret_headers(draft, {name: _key_of(text) for name, text in header_texts.items()}, "--header-secret")
    if options.login_url is not None and options.login_secret is None:
        raise UsageError("--login-url needs a Secret with username and password: --login-secret NAME")


def _key_of(text: str) -> Json:
    """The key of a Secret in `NAME[/KEY]`."""
    secret, slash, key = text.partition("/")
    return {"name": secret, "key": key} if slash else {"name": secret}
