"""Errors in the user's own words: they name the option or variable, not the field of a manifest."""

import re
from collections.abc import Mapping
from typing import Any, Final

from loadtest_model.admission.crd import spec_schema
from loadtest_model.spec.parts import FORM_NAME_PATTERN
from loadtest_model.spec.resources import QUANTITY_PATTERN
from loadtest_model.suggestions import suggestion
from loadtest_model.values import DURATION_PATTERN

Json = dict[str, Any]

OPTIONS: Final = {
    "spec.target.url": "--url",
    "spec.target.auth.scheme": "--auth-scheme",
    "spec.target.auth.login.secretRef": "LOGIN_USERNAME and LOGIN_PASSWORD",
    "spec.target.auth.login.usernameField": "--login-field",
    "spec.target.auth.login.passwordField": "--login-field",
    "spec.target.auth.login.format": "--login-format",
    "spec.target.auth.login.tokenPath": "--login-token",
    "spec.target.auth.login.expiresInPath": "--login-expires-in",
    "spec.target.auth.login": "--login-url",
    "spec.target.auth": "--token-file (or AUTH_TOKEN)",
    "spec.target.host": "--host",
    "spec.target.tls.serverName": "--server-name",
    "spec.target.tls.clientCertificateSecretRef": "--client-cert",
    "spec.target.tls": "--ca-file",
    "spec.target.metricsUrl": "--metrics-url",
    "spec.target.tracing.sampleRatio": "--trace",
    "spec.target.tracing": "--trace",
    "spec.target.headers": "--header",
    "spec.target.headersFrom": "--header-env",
    "spec.target.fileName": "--file-name",
    "spec.target.connections": "--connections",
    "spec.target.timeouts.connect": "--connect-timeout",
    "spec.target.timeouts.upload": "--upload-timeout",
    "spec.target.timeouts.answer": "--answer-timeout",
    "spec.target.formFields": "--form-field",
    "spec.target.fileField": "--file-field",
    "spec.target.format": "--format",
    "spec.target.timeout": "--timeout",
    "spec.target.response.marker": "--marker",
    "spec.target.response.count": "--count",
    "spec.target.response.nonce": "--nonce",
    "spec.target.response.expectCount": "--expect-count",
    "spec.load.batchSize": "--batch-size",
    "spec.load.virtualUsers": "--virtual-users",
    "spec.load.duration": "--duration",
    "spec.load.stages": "--stage",
    "spec.load.records": "--records",
    "spec.load.arrivalRate": "--arrival-rate",
    "spec.load.arrivals": "--arrivals",
    "spec.load.maxLateness": "--max-lateness",
    "spec.load.gracefulStop": "--graceful-stop",
    "spec.load.capacity.by": "--capacity-by",
    "spec.load.capacity.from": "--capacity-from",
    "spec.load.capacity.to": "--capacity-to",
    "spec.load.capacity.factor": "--capacity-factor",
    "spec.load.capacity.plateau": "--capacity-plateau",
    "spec.load.capacity.required": "--capacity-required",
    "spec.load.capacity": "scenario capacity",
    "spec.load.thinkTime": "--think-time",
    "spec.load.warmUp": "--warm-up",
    "spec.thresholds": "--threshold",
    "spec.abort.after": "--abort-after",
    "spec.abort": "--abort",
    "spec.records.seed": "--seed",
    "spec.records.contact": "--contact",
    "spec.verification.require": "--require",
    "spec.verification.readBack.countPath": "--read-back-count",
    "spec.verification.readBack.control": "--read-back-control",
    "spec.verification.readBack": "--read-back",
}
"""The option for each field that has one."""

_FIELD: Final = re.compile(r"spec(?:\.[A-Za-z]+)+")
_PROBLEM_AT_PATH: Final = re.compile(r"^(?P<problem>.*) - at (?:`key` in )?`\$(?P<path>[^`]*)`$", re.DOTALL)
_PATH_STEP: Final = re.compile(r"\.([A-Za-z]+)|\[(\d+|\.\.\.)\]")
_INDEX: Final = re.compile(r"\[(\d+|\.\.\.)\]")
_PATTERN: Final = re.compile(r"Expected `str` matching regex (?P<regex>'.*'|\".*\")$", re.DOTALL)
_PATTERN_ADVICE: Final = {
    DURATION_PATTERN: "write a number with a unit, such as 90s, 5m or 1m30s",
    QUANTITY_PATTERN: "write an amount such as 2, 500m or 256Mi",
    FORM_NAME_PATTERN: "write a text without quotes and control characters",
}

_TEXT_EXPECTED: Final = re.compile(r"Expected `str`, got `(?P<type>bool|int|float)`")
_PYTHON_TYPES: Final[dict[str, type]] = {"bool": bool, "int": int, "float": float}
_QUOTES: Final = {
    "bool": "a text is expected, so put it in quotes (without quotes YAML reads yes, no, on and off as booleans)",
    "int": "a text is expected, so put it in quotes",
    "float": "a text is expected, so put it in quotes",
}
_BOUND: Final = re.compile(r"Expected `(int|float)` (?P<operator>[<>]=) (?P<number>[\d.]+)")
_MANIFEST_WORDS: Final = {
    "spec.target.auth": "spec.target.auth (here --token-file or AUTH_TOKEN)",
    "spec.target.headersFrom": "spec.target.headersFrom (here --header-env)",
    **{field: field for field in OPTIONS if field.startswith("spec.target.auth.")},
}
"""The words for the fields of a manifest that are not named alone: a Secret is read by a cluster, not here."""
_MORE_PODS: Final = ", or share the load among more pods (spec.parallelism)"


def advice_words(sources: Mapping[str, str], *, has_manifest: bool) -> Mapping[str, str]:
    """The word for each field in advice. The fields of a manifest keep their names, except those that `sources` set."""
    return {**_MANIFEST_WORDS, **sources} if has_manifest else OPTIONS


def with_advice_words(words: Mapping[str, str], text: str) -> str:
    """A text with the user's words for fields, without the advice that only a fleet can take."""
    return with_user_words(words, text.replace(_MORE_PODS, ""))


def with_user_words(sources: Mapping[str, str], text: str) -> str:
    """A text in which fields are called what `sources` calls them; of nested fields the longest known name counts."""
    return _FIELD.sub(lambda match: _word(sources, match.group()), text)


def _word(sources: Mapping[str, str], field: str) -> str:
    parts = field.split(".")
    for length in range(len(parts), 1, -1):
        if (word := sources.get(".".join(parts[:length]))) is not None:
            return word
    return field


def decoding_error(spec: Json, sources: Mapping[str, str], message: str) -> str:
    """A decoder's error in the user's words: field, value, and what would be right."""
    match = _PROBLEM_AT_PATH.match(message)
    # What is wrong with the whole has no path.
    problem, path = (match["problem"], match["path"]) if match else (message, "")
    word = _word_at(spec, sources, path, problem)
    if problem.startswith("Object contains unknown field"):
        name = problem.rpartition(" ")[2].strip("`")
        fields = _schema_at(path).get("properties", {})
        return f"{word}: there is no field {name}" + (f"; {suggestion(name, fields)}" if fields else "")
    if problem.startswith("Object missing required field"):
        return f"{word}: the field {problem.rpartition(' ')[2].strip('`')} is missing"
    value = _value_at(spec, path, problem)
    value_text = f" is {_yaml_text(value)};" if value is not None else ":"
    return f"{word}{value_text} {_advice(problem, path)}"


def _word_at(spec: Json, sources: Mapping[str, str], path: str, problem: str) -> str:
    """The user's word for the field at a decoder's path. A field of a manifest keeps the indices of its lists."""
    field = _INDEX.sub("", f"spec{path}")
    word = with_user_words(sources, field)
    if word != field:
        return word
    # The decoder does not say which key of a map it means.
    key = _key_at_end(spec, path, problem)
    return _INDEX.sub(lambda match: match.group() if match[1] != "..." else "", f"spec{path}") + (
        f"[{key!r}]" if key is not None else ""
    )


def _yaml_text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _advice(problem: str, path: str) -> str:
    if problem.startswith("Invalid enum value") and (choices := _schema_at(path).get("enum")):
        return f"write one of {', '.join(map(repr, choices))}"
    pattern = _PATTERN.match(problem)
    if pattern is not None:
        advice = next((text for regex, text in _PATTERN_ADVICE.items() if pattern["regex"] == repr(regex)), None)
        # More readers know this sign for the end of a text.
        regex = pattern["regex"].replace(r"\\Z", "$")
        return advice or f"write a text that matches {regex}"
    text_expected = _TEXT_EXPECTED.fullmatch(problem)
    if text_expected is not None:
        pattern_advice = {_schema_pattern(regex): text for regex, text in _PATTERN_ADVICE.items()}
        return pattern_advice.get(_schema_pattern(_schema_at(path).get("pattern", "")), _QUOTES[text_expected["type"]])
    bound = _BOUND.fullmatch(problem)
    if bound is not None:
        return f"write a number of at {'least' if bound['operator'] == '>=' else 'most'} {bound['number']}"
    return problem[:1].lower() + problem[1:].replace("`", "")


def _schema_pattern(regex: str) -> str:
    return regex.replace(r"\Z", "$")


def _schema_at(path: str) -> Json:
    """The schema of the field at a decoder's path."""
    node = spec_schema()
    for name, index in _PATH_STEP.findall(path):
        if name:
            node = node.get("properties", {}).get(name, {})
        else:
            node = node.get("additionalProperties", {}) if index == "..." else node.get("items", {})
    return node


def _value_at(spec: Json, path: str, problem: str) -> Any:
    """The scalar at a decoder's path; None if the path does not lead to one."""
    node = _node_at(spec, path.removesuffix("[...]"))
    if path.endswith("[...]"):
        key = _key_at_end(spec, path, problem)
        node = node[key] if key is not None else None
    return node if isinstance(node, str | int | float) else None


def _key_at_end(spec: Json, path: str, problem: str) -> str | None:
    """The first key of the map at the end of a path whose value has the type that the decoder complains of."""
    match = _TEXT_EXPECTED.fullmatch(problem)
    entries = _node_at(spec, path.removesuffix("[...]"))
    if match is None or not path.endswith("[...]") or not isinstance(entries, dict):
        return None
    return next((key for key, value in entries.items() if type(value) is _PYTHON_TYPES[match["type"]]), None)


def _node_at(spec: Json, path: str) -> Any:
    node: Any = spec
    for name, index in _PATH_STEP.findall(path):
        try:
            node = node[name] if name else node[int(index)]
        except (KeyError, IndexError, TypeError, ValueError):
            return None
    return node
