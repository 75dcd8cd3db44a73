"""One draft from options, environment and manifest.

An option overrides the environment, and the environment overrides a manifest. Each field's source is kept, so that an
error can be described in the user's words.
"""

import argparse
from collections.abc import Mapping
from typing import Any, Final

from loadgen.options.draft import Draft, put_secret_headers
from loadgen.options.errors import UsageError
from loadgen.options.manifest import Manifest
from loadgen.options.option_texts import (
    expression,
    minutes_or_duration,
    named_texts,
    option,
    proof_level,
    rate,
    share,
    whole_number,
)
from loadgen.options.records_options import fields_file_settings, record_settings
from loadtest_model.spec.connecting import ConnectionUse

Json = dict[str, Any]

_TEXTS: Final = {
    "host": "target.host",
    "server_name": "target.tls.serverName",
    "metrics_url": "target.metricsUrl",
    "read_back": "verification.readBack.url",
    "read_back_count": "verification.readBack.countPath",
    "arrivals": "load.arrivals",
    "max_lateness": "load.maxLateness",
    "graceful_stop": "load.gracefulStop",
    "abort_after": "abort.after",
    "file_field": "target.fileField",
    "file_name": "target.fileName",
    "connect_timeout": "target.timeouts.connect",
    "upload_timeout": "target.timeouts.upload",
    "answer_timeout": "target.timeouts.answer",
    "format": "target.format",
    "timeout": "target.timeout",
    "marker": "target.response.marker",
    "count": "target.response.count",
    "nonce": "target.response.nonce",
    "capacity_by": "load.capacity.by",
    "capacity_plateau": "load.capacity.plateau",
    "think_time": "load.thinkTime",
    "warm_up": "load.warmUp",
}
_LOGIN: Final = {
    "login_url": "url",
    "login_format": "format",
    "login_token": "tokenPath",
    "login_expires_in": "expiresInPath",
}
_CONNECTIONS: Final = {
    "auto": ConnectionUse.AUTO,
    "kept": ConnectionUse.KEPT,
    "per-upload": ConnectionUse.PER_UPLOAD,
}
_EXPRESSIONS: Final = {"threshold": "thresholds", "abort": "abort.thresholds"}
_NUMBERS: Final = {"seed": "records.seed", "records": "load.records"}
_LEVELS_OF_LOAD: Final = {
    "arrival_rate": "load.arrivalRate",
    **{f"capacity_{name}": f"load.capacity.{name}" for name in ("from", "to", "factor", "required")},
}
_LOAD: Final = {
    "batch_size": ("load.batchSize", "BATCH_SIZE"),
    "virtual_users": ("load.virtualUsers", "CONCURRENCY"),
    "duration": ("load.duration", "DURATION"),
}


def draft_of(options: argparse.Namespace, environment: Mapping[str, str], manifest: Manifest | None) -> Draft:
    """The spec that a command line asks for. Raises UsageError for what cannot be read."""
    draft = Draft(spec=_deep_copy(manifest.spec) if manifest else {}, has_manifest=manifest is not None)
    scenario = getattr(options, "scenario", None)
    if scenario is not None:
        draft.put("scenario", scenario, "the scenario")
    _put_url(draft, options, environment)
    _put_values(draft, options)
    _put_pairs(draft, "target.headers", "--header", options.header, ":")
    _put_pairs(draft, "target.formFields", "--form-field", options.form_field, "=")
    # A manifest must name a Secret; here the values come from the environment.
    variables = named_texts("--header-env", getattr(options, "header_env", ()), ":", "VARIABLE")
    put_secret_headers(draft, {name: {"name": "environment"} for name in variables}, "--header-env")
    if getattr(options, "fields", None) is not None and not hasattr(options, "field"):
        for setting in fields_file_settings(options):
            draft.put(setting.path, setting.value, setting.option)
    elif hasattr(options, "field"):
        for setting in record_settings(options, draft.spec):
            draft.put(setting.path, setting.value, setting.option)
    _put_load(draft, options, environment)
    for name, path in _EXPRESSIONS.items():
        if expressions := getattr(options, name, []):
            draft.put(path, [expression(option(name), " ".join(text.split())) for text in expressions], option(name))
    return draft


def _put_values(draft: Draft, options: argparse.Namespace) -> None:
    """Set the fields whose option is given at most once."""
    for name, path in _TEXTS.items():
        if (text := getattr(options, name, None)) is not None:
            draft.put(path, text, option(name))
    for name, path in _NUMBERS.items():
        if (text := getattr(options, name, None)) is not None:
            draft.put(path, whole_number(option(name), text), option(name))
    if (control := getattr(options, "read_back_control", None)) is not None:
        kind = "url" if "://" in control else "value"
        draft.put(f"verification.readBack.control.{kind}", control, "--read-back-control")
    for name, path in _LEVELS_OF_LOAD.items():
        if (level := getattr(options, name, None)) is not None:
            draft.put(path, rate(option(name), level.removesuffix("/s") + "/s"), option(name))
    if (ratio := getattr(options, "trace", None)) is not None:
        draft.put("target.tracing.sampleRatio", share("--trace", ratio), "--trace")
    if getattr(options, "debug", False):
        draft.put("debug", True, "--debug")
    if options.connections is not None:
        draft.put("target.connections", _CONNECTIONS[options.connections], "--connections")
    _put_login(draft, options)
    if options.require is not None:
        draft.put("verification.require", proof_level(options.require), "--require")


def _put_login(draft: Draft, options: argparse.Namespace) -> None:
    path = "target.auth.login"
    for name, field_name in _LOGIN.items():
        if (text := getattr(options, name)) is not None:
            draft.put(f"{path}.{field_name}", text, option(name))
    if options.login_field is not None:
        username, comma, password = options.login_field.partition(",")
        if not comma:
            raise UsageError(f"--login-field is {options.login_field!r}; write both fields, such as email,password")
        draft.put(f"{path}.usernameField", username.strip(), "--login-field")
        draft.put(f"{path}.passwordField", password.strip(), "--login-field")
    if options.login_url is not None:
        # A manifest must name a Secret; here name and password come from the environment.
        draft.spec["target"]["auth"]["login"].setdefault("secretRef", {"name": "environment"})
    elif not draft.has_manifest and f"spec.{path}" in {source.rpartition(".")[0] for source in draft.sources}:
        raise UsageError("--login-url is missing; the other options of a login say how it is used")


def _put_url(draft: Draft, options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    if options.url is not None:
        draft.put("target.url", options.url, "--url")
    elif environment.get("API_URL"):
        draft.put("target.url", environment["API_URL"], "API_URL")
    target = draft.spec.get("target")
    if not draft.has_manifest and not (isinstance(target, dict) and target.get("url")):
        raise UsageError("--url is missing; say where files are uploaded, by --url, API_URL or a manifest (-f)")


def _put_load(draft: Draft, options: argparse.Namespace, environment: Mapping[str, str]) -> None:
    stages = [_stage(text) for text in getattr(options, "stage", [])]
    overridden_names = _overridden_names(options, stages)
    for name, (path, variable) in _LOAD.items():
        text, source = getattr(options, name, None), option(name)
        if text is None and hasattr(options, name) and name not in overridden_names:
            text, source = environment.get(variable) or None, variable
        if text is not None:
            draft.put(path, minutes_or_duration(text) if name == "duration" else whole_number(source, text), source)
    if stages:
        draft.put("load.stages", stages, "--stage")


def _overridden_names(options: argparse.Namespace, stages: list[Json]) -> set[str]:
    """The variables of the environment that give way to options with the same meaning in another form."""
    names = set()
    if stages or getattr(options, "records", None) is not None:
        names.add("duration")
    if stages and "virtualUsers" in stages[0]:
        names.add("virtual_users")
    return names


def _stage(text: str) -> Json:
    duration, colon, level = text.partition(":")
    if not colon:
        raise UsageError(f"--stage is {text!r}; write TIME:USERS, such as 30s:5, or TIME:RATE/s, such as 30s:20/s")
    if "/" in level:
        return {"duration": duration.strip(), "arrivalRate": rate("--stage", level)}
    return {"duration": duration.strip(), "virtualUsers": whole_number(f"the number in --stage {text}", level)}


def _put_pairs(draft: Draft, path: str, source: str, texts: list[str], separator: str) -> None:
    """Add to what the manifest has; a pair of the same name takes its place."""
    if not texts:
        return
    target = draft.spec.get("target")
    existing_pairs = target.get(path.rpartition(".")[2]) if isinstance(target, dict) else None
    known_pairs = existing_pairs if isinstance(existing_pairs, dict) else {}
    draft.put(path, {**known_pairs, **named_texts(source, texts, separator)}, source)


def _deep_copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _deep_copy(item) for key, item in value.items()}
    return [_deep_copy(item) for item in value] if isinstance(value, list) else value
