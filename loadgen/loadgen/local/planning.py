"""From a command line to the plan that is run, or to what is wrong with it."""

import argparse
import ipaddress
import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from loadgen.options.document import draft_of
from loadgen.options.draft import Draft
from loadgen.options.errors import UsageError
from loadgen.options.manifest import read_manifest
from loadgen.options.option_texts import named_texts, option
from loadgen.options.wording import with_user_words
from loadgen.records import refuse_unmakeable
from loadtest_model.plan import AddressPolicy, Plan, PlanError, SecretPlace, SecretPlaces, compile_plan
from loadtest_model.plan.bounds import NEVER_TARGETS
from loadtest_model.plan.secrets import NO_PLACES
from loadtest_model.reasons import Reason
from loadtest_model.report.manifest import manifest_text
from loadtest_model.spec import Identity

LOCAL_PARALLELISM: Final = 1


@dataclass(frozen=True, slots=True)
class Access:
    """How the target is reached, from the command line and the environment. It is not part of a spec."""

    places: SecretPlaces = NO_PLACES
    auth_scheme: str | None = None
    allowed_networks: tuple[str, ...] = ()
    denied_networks: tuple[str, ...] = ()


class LocalTest(NamedTuple):
    """The test of a command line. `url_source` is where its URL came from if not from an option.

    `manifest` is the same test as YAML, without secrets. `words` has the user's word for each field in advice.
    """

    plan: Plan
    url_source: str | None
    manifest: str
    words: Mapping[str, str]


def local_test_of(options: argparse.Namespace, environment: Mapping[str, str]) -> LocalTest:
    """The test of a command line. Raises UsageError."""
    if options.scenario is None and options.file is None:
        raise UsageError(
            "name a scenario (light, medium, heavy, stress, all, custom or capacity) or a manifest (-f FILE)"
        )
    manifest = read_manifest(Path(options.file)) if options.file is not None else None
    draft = draft_of(options, environment, manifest)
    name = manifest.name if manifest else options.scenario
    text = manifest_text(name, draft.to_spec())
    now = datetime.now(UTC)
    if "runId" not in draft.spec:
        draft.put("runId", f"local-{now:%Y%m%d-%H%M%S}", "the run's id")
    identity = Identity(
        namespace=manifest.namespace if manifest else "local",
        name=name,
        uid=str(uuid.uuid4()),
    )
    url_source = draft.sources.get("spec.target.url", options.file)
    plan = plan_of(draft, identity, access_of(options, environment))
    return LocalTest(plan, None if url_source == "--url" else url_source, text, draft.advice_words)


def access_of(options: argparse.Namespace, environment: Mapping[str, str]) -> Access:
    """Tokens, certificates and networks of a command line."""
    for name in ("token_file", "ca_file", "client_cert", "client_key"):
        _check_readable(name, getattr(options, name))
    if (options.client_cert is None) != (options.client_key is None):
        raise UsageError("--client-cert and --client-key come together: a certificate and its key, both as PEM")
    if options.login_url is not None and not (environment.get("LOGIN_USERNAME") and environment.get("LOGIN_PASSWORD")):
        raise UsageError("--login-url needs a name and a password, in LOGIN_USERNAME and LOGIN_PASSWORD")
    token = SecretPlace(file=options.token_file) if options.token_file else None
    if token is None and environment.get("AUTH_TOKEN"):
        token = SecretPlace(variable="AUTH_TOKEN")
    login = {
        name: SecretPlace(variable=variable) if environment.get(variable) else None
        for name, variable in (("username", "LOGIN_USERNAME"), ("password", "LOGIN_PASSWORD"))
    }
    variables = named_texts("--header-env", options.header_env, ":", "VARIABLE")
    for name, variable in variables.items():
        if not environment.get(variable):
            raise UsageError(f"--header-env takes the header {name} from {variable}, which is not set")
    return Access(
        places=SecretPlaces(
            token=token,
            **login,
            ca_file=options.ca_file,
            certificate_file=options.client_cert,
            key_file=options.client_key,
            headers={name: SecretPlace(variable=variable) for name, variable in variables.items()},
        ),
        auth_scheme=options.auth_scheme,
        allowed_networks=tuple(options.allow),
        denied_networks=tuple(options.deny),
    )


def plan_of(draft: Draft, identity: Identity, access: Access) -> Plan:
    """The plan of a draft, run by this process alone. Raises UsageError."""
    spec = draft.to_spec()
    network = AddressPolicy(
        allowed=tuple(_network("--allow", text) for text in access.allowed_networks),
        denied=(*NEVER_TARGETS, *(_network("--deny", text) for text in access.denied_networks)),
    )
    try:
        _check_certificates(spec.target.url, access.places)
        # With the parallelism that was written, so that what a cluster would refuse is refused here as well.
        plan = compile_plan(spec, identity, places=access.places, network=network)
        refuse_unmakeable(plan.records)
    except UsageError:
        raise
    except (PlanError, ValueError) as error:
        raise UsageError(_with_local_remedy(error, with_user_words(draft.words, str(error)))) from error
    target = plan.target
    if access.auth_scheme is not None:
        target = msgspec.structs.replace(target, auth_scheme=access.auth_scheme)
    return msgspec.structs.replace(plan, target=target, parallelism=LOCAL_PARALLELISM)


def _check_certificates(url: str, places: SecretPlaces) -> None:
    if (places.ca_file or places.certificate_file) and not url.lower().startswith("https:"):
        raise UsageError(f"--ca-file and --client-cert need an https URL, but the target's URL is {url}")


def _check_readable(name: str, path: str | None) -> None:
    if path is not None and not os.access(path, os.R_OK):
        raise UsageError(f"{option(name)} is {path}, which cannot be read")


_LOCAL_PLACES: Final = (
    "; a Secret is read by a cluster alone, so give here: a token by --token-file or AUTH_TOKEN, name and password of a"
    " login by LOGIN_USERNAME and LOGIN_PASSWORD, headers by --header-env, certificates by --ca-file,"
    " --client-cert and --client-key"
)


def _with_local_remedy(error: ValueError, message: str) -> str:
    is_secret_missing = isinstance(error, PlanError) and error.reason == Reason.SecretMissing
    return message + _LOCAL_PLACES if is_secret_missing else message


def _network(source: str, text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError as error:
        raise UsageError(f"{source} is {text!r}: {error}; write a network such as 10.0.0.0/8") from error
