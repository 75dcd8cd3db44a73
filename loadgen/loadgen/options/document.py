"""One spec from options, environment and manifest.

An option overrides the environment, and the environment overrides a manifest. Each field's source is kept, so that an
error can be described in the user's words.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from loadgen.options.errors import UsageError
from loadgen.options.manifest import Manifest
from loadgen.options.records_options import fields_file_settings, record_settings
from loadgen.options.wording import OPTIONS, advice_words, decoding_error, with_user_words
from loadtest_model.load.scenarios import PRESETS
from loadtest_model.spec import Scenario, Spec
from loadtest_model.spec.connecting import ConnectionUse
from loadtest_model.spec.validation import broken_rules
from loadtest_model.spec.verification import Requirement
from loadtest_model.thresholds.bounds import parse_threshold

Json = dict[str, Any]

_LEVELS: Final = {level.lower(): level for level in Requirement}
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
_RATE: Final = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,9})?)\s*/\s*s\s*")


@dataclass
class Draft:
    """A spec in progress: its JSON, and the source of each field that does not come from the manifest."""

    spec: Json
    sources: dict[str, str] = field(default_factory=dict)
    has_manifest: bool = False

    def put(self, path: str, value: object, source: str) -> None:
        """Set the field at a dotted path; None removes it."""
        *parents, name = path.split(".")
        node = self.spec
        for parent in parents:
            child = node.get(parent)
            if not isinstance(child, dict):
                child = node[parent] = {}
            node = child
        if value is None:
            node.pop(name, None)
        else:
            node[name] = value
        self.sources[f"spec.{path}"] = source

    @property
    def words(self) -> Mapping[str, str]:
        """The user's word for each field that has one."""
        return {**({} if self.has_manifest else OPTIONS), **self.sources}

    @property
    def advice_words(self) -> Mapping[str, str]:
        """The word for each field in what the user is advised to change."""
        return advice_words(self.sources, has_manifest=self.has_manifest)

    def to_spec(self) -> Spec:
        """Decode and check the spec. Raises UsageError, in the user's words, if a cluster would refuse it."""
        try:
            spec = msgspec.convert(self.spec, Spec)
        except msgspec.ValidationError as error:
            raise UsageError(decoding_error(self.spec, self.words, str(error))) from error
        if rules := broken_rules(spec):
            raise UsageError("\n  ".join(with_user_words(self.words, rule.message) for rule in rules))
        return spec


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
            draft.put(path, [_expression(option(name), " ".join(text.split())) for text in expressions], option(name))
    return draft


def _expression(source: str, text: str) -> str:
    """A bound that can be read. What is wrong with one is told more closely here than by the rules of a schema."""
    try:
        parse_threshold(text)
    except ValueError as error:
        raise UsageError(f"{source}: {error}") from error
    return text


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
            draft.put(path, _rate(option(name), level.removesuffix("/s") + "/s"), option(name))
    if (ratio := getattr(options, "trace", None)) is not None:
        draft.put("target.tracing.sampleRatio", _share("--trace", ratio), "--trace")
    if getattr(options, "debug", False):
        draft.put("debug", True, "--debug")
    if options.connections is not None:
        draft.put("target.connections", _CONNECTIONS[options.connections], "--connections")
    _put_login(draft, options)
    if options.require is not None:
        draft.put("verification.require", _level(options.require), "--require")


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


def option(name: str) -> str:
    """The option of an attribute's name."""
    return f"--{name.replace('_', '-')}"


def whole_number(source: str, text: str) -> int:
    """The number in a text such as `5000` or `5_000`. Raises UsageError, naming the source."""
    number_text = text.strip().replace("_", "")
    if re.fullmatch(r"-?[0-9]{1,18}", number_text) is None:
        raise UsageError(f"{source} is {text!r}; write a whole number, such as 5000")
    return int(number_text)


def minutes_or_duration(text: str) -> str:
    """`3` means three minutes, as in the scripts that this replaces; anything else is left as it is."""
    duration_text = text.strip()
    return f"{duration_text}m" if re.fullmatch(r"[0-9]+(\.[0-9]+)?", duration_text) else duration_text


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
        return {"duration": duration.strip(), "arrivalRate": _rate("--stage", level)}
    return {"duration": duration.strip(), "virtualUsers": whole_number(f"the number in --stage {text}", level)}


def _rate(source: str, text: str) -> float:
    match = _RATE.fullmatch(text)
    if match is None:
        raise UsageError(f"{source} is {text!r}; write a number of uploads a second, such as 2.5")
    return float(match[1])


def _share(source: str, text: str) -> float:
    if re.fullmatch(r"[0-9](\.[0-9]{1,9})?|\.[0-9]{1,9}", text.strip()) is None:
        raise UsageError(f"{source} is {text!r}; write a share between 0 and 1, such as 0.1")
    return float(text)


def _level(text: str) -> str:
    level = _LEVELS.get(text.lower())
    if level is None:
        raise UsageError(f"--require is {text!r}; write {', '.join(_LEVELS)}")
    return level


def _put_pairs(draft: Draft, path: str, source: str, texts: list[str], separator: str) -> None:
    """Add to what the manifest has; a pair of the same name takes its place."""
    if not texts:
        return
    target = draft.spec.get("target")
    existing_pairs = target.get(path.rpartition(".")[2]) if isinstance(target, dict) else None
    known_pairs = existing_pairs if isinstance(existing_pairs, dict) else {}
    draft.put(path, {**known_pairs, **named_texts(source, texts, separator)}, source)


def named_texts(source: str, texts: Sequence[str], separator: str, noun: str = "VALUE") -> dict[str, str]:
    """The pairs of an option that is given once for each. Raises UsageError for what is no pair."""
    pairs = {}
    for text in texts:
        name, separator_match, value = text.partition(separator)
        if not separator_match or not name.strip():
            raise UsageError(f"{source} is {text!r}; write NAME{separator}{noun}")
        pairs[name.strip()] = value.strip()
    return pairs


def put_secret_headers(draft: Draft, references: Mapping[str, Json], source: str) -> None:
    """Add headers to those of the manifest whose values are secrets; one of the same name takes the other's place.

    `references` are the keys of Secrets that hold the values, by the headers' names.
    """
    if not references:
        return
    target = draft.spec.get("target")
    known_headers = target.get("headersFrom") if isinstance(target, dict) else None
    names = {name.lower() for name in references}
    headers = [
        header
        for header in (known_headers if isinstance(known_headers, list) else [])
        if not (isinstance(header, dict) and str(header.get("name")).lower() in names)
    ]
    headers += [{"name": name, "secretKeyRef": reference} for name, reference in references.items()]
    draft.put("target.headersFrom", headers, source)


def _deep_copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _deep_copy(item) for key, item in value.items()}
    return [_deep_copy(item) for item in value] if isinstance(value, list) else value


def purpose_of(scenario: str) -> str:
    """What a scenario is for, in a few words; empty for those that have no purpose of their own."""
    if scenario == Scenario.CAPACITY:
        return "how much the target can take"
    preset = PRESETS.get(scenario)
    return preset.purpose if preset else ""
