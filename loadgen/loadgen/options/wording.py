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
_PATH_STEP: Final = re.compile(r"\.([A-Za-z]+)|\[(\d+)\]")
_PATTERN: Final = re.compile(r"Expected `str` matching regex (?P<regex>'.*'|\".*\")$", re.DOTALL)
_PATTERN_ADVICE: Final = {
    DURATION_PATTERN: "write a number with a unit, such as 90s, 5m or 1m30s",
    QUANTITY_PATTERN: "write an amount such as 2, 500m or 256Mi",
    FORM_NAME_PATTERN: "write a text without quotes and control characters",
}

_BOUND: Final = re.compile(r"Expected `(int|float)` (?P<operator>[<>]=) (?P<number>[\d.]+)")
_MORE_PODS: Final = ", or share the load among more pods (spec.parallelism)"


def with_option_names(text: str) -> str:
    """A text in which each field that has an option is called by it, without the advice that only a fleet can take."""
    return with_user_words(OPTIONS, text.replace(_MORE_PODS, ""))


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
    field = f"spec{path}"
    word = with_user_words(sources, re.sub(r"\[(\d+|\.\.\.)\]", "", field))
    if problem.startswith("Object contains unknown field"):
        name = problem.rpartition(" ")[2].strip("`")
        fields = _schema_at(path).get("properties", {})
        return f"{word}: there is no field {name}" + (f"; {suggestion(name, fields)}" if fields else "")
    if problem.startswith("Object missing required field"):
        return f"{word}: the field {problem.rpartition(' ')[2].strip('`')} is missing"
    value = _value_at(spec, path)
    value_text = f" is {value!r};" if value is not None else ":"
    return f"{word}{value_text} {_advice(problem, path)}"


def _advice(problem: str, path: str) -> str:
    if problem.startswith("Invalid enum value") and (choices := _schema_at(path).get("enum")):
        return f"write one of {', '.join(map(repr, choices))}"
    pattern = _PATTERN.match(problem)
    if pattern is not None:
        advice = next((text for regex, text in _PATTERN_ADVICE.items() if pattern["regex"] == repr(regex)), None)
        # More readers know this sign for the end of a text.
        regex = pattern["regex"].replace(r"\\Z", "$")
        return advice or f"write a text that matches {regex}"
    bound = _BOUND.fullmatch(problem)
    if bound is not None:
        return f"write a number of at {'least' if bound['operator'] == '>=' else 'most'} {bound['number']}"
    return problem[:1].lower() + problem[1:].replace("`", "")


def _schema_at(path: str) -> Json:
    """The schema of the field at a decoder's path."""
    node = spec_schema()
    for name, index in _PATH_STEP.findall(path):
        node = node.get("items", {}) if index else node.get("properties", {}).get(name, {})
    return node


def _value_at(spec: Json, path: str) -> Any:
    """The value at a decoder's path; None where the path does not lead to one."""
    node: Any = spec
    for name, index in _PATH_STEP.findall(path):
        try:
            node = node[name] if name else node[int(index)]
        except (KeyError, IndexError, TypeError):
            return None
    return node if isinstance(node, str | int | float) else None
