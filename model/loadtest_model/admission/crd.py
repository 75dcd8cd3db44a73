"""The CustomResourceDefinition, made from the types of `spec` and `status`."""

from functools import cache
from typing import Any, Final

import msgspec

from loadtest_model.report.status import NO_OPERATOR_MESSAGE, Phase, Status
from loadtest_model.spec import GROUP, KIND, PLURAL, VERSION, Spec
from loadtest_model.spec.rules import re2_pattern, schema_validations
from loadtest_model.spec.validation import SPEC_RULES

Json = dict[str, Any]

# What may change after creation; everything else is fixed until a completed test gets another run id.
MUTABLE_FIELDS: Final = ("stop", "suspend", "runId", "results")

_OF_INT_OR_STRING: Final = ("x-kubernetes-int-or-string", "pattern", "maxLength", "minimum", "maximum")

_SAME_RUN_ID: Final = (
    "(has(self.spec.runId) ? self.spec.runId : '1') == (has(oldSelf.spec.runId) ? oldSelf.spec.runId : '1')"
)
_RERUN: Final = (
    f"(!({_SAME_RUN_ID}) && has(oldSelf.status) && has(oldSelf.status.conditions)"
    " && oldSelf.status.conditions.exists(c, c.type == 'Completed' && c.status == 'True'))"
)


@cache
def spec_schema() -> Json:
    """The schema of a spec as the CRD has it."""
    (version,) = custom_resource_definition()["spec"]["versions"]
    schema: Json = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def custom_resource_definition() -> Json:
    """The whole definition, ready to be written as YAML."""
    spec, status = _structural_schema(Spec), _without_defaults(_structural_schema(Status))
    spec |= schema_validations(SPEC_RULES)
    status["properties"]["observedGeneration"]["default"] = -1
    status["properties"]["conditions"]["x-kubernetes-list-type"] = "map"
    status["properties"]["conditions"]["x-kubernetes-list-map-keys"] = ["type"]
    schema = {
        "type": "object",
        "description": "A load test of an upload API: what is loaded, how, and what must hold.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            # Of the whole status, so that none of it comes back once an operator has written one.
            "status": {
                **status,
                "default": {"observedGeneration": -1, "phase": str(Phase.QUEUED), "message": NO_OPERATOR_MESSAGE},
            },
        },
        "x-kubernetes-validations": _change_rules(spec),
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": "loadtest",
                "shortNames": ["xlt"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": PRINTER_COLUMNS,
                }
            ],
        },
    }


def _column(name: str, path: str, kind: str, description: str, priority: int = 0) -> Json:
    return {"name": name, "jsonPath": path, "type": kind, "description": description, "priority": priority}


PRINTER_COLUMNS: Final = [
    _column("Scenario", ".spec.scenario", "string", "The scenario of the test."),
    _column("Phase", ".status.phase", "string", "Where the test stands."),
    _column("Reason", ".status.reason", "string", "Why it stands there, where that is worth a word."),
    _column("Progress", ".status.columns.progress", "string", "Place in line, pods started or verified, or load run."),
    _column("Records/s", ".status.columns.recordsPerSecond", "string", "Confirmed records a second."),
    _column("P95", ".status.columns.p95", "string", "95th percentile of the response time."),
    _column("Errors", ".status.progress.errors", "integer", "Uploads that were not accepted."),
    _column("Health", ".status.health.level", "string", "Good, Warning or Critical."),
    _column("Verdict", ".status.verdict", "string", "Passed, Failed or Inconclusive."),
    _column(
        "Finished",
        r".metadata.annotations.x-load-test\.dev/finished-run",
        "string",
        "The run that is over for good, by its run id.",
    ),
    _column("Age", ".metadata.creationTimestamp", "date", "Time since the test was created."),
    _column("Target", ".spec.target.url", "string", "The target's URL.", priority=1),
    _column("Pods", ".status.pods.desired", "integer", "Pods that share the load.", priority=1),
    _column("Capacity", ".status.columns.capacity", "string", "The highest load of a climb that held.", priority=1),
    _column("Message", ".status.message", "string", "What happens now, or what came of it.", priority=1),
]


def _change_rules(spec: Json) -> list[Json]:
    """The rules about changes. They have no predicate, because only the API server sees the spec before a change."""
    return [
        _rule(
            f"(has(self.spec.{name}) == has(oldSelf.spec.{name})"
            f" && (!has(self.spec.{name}) || self.spec.{name} == oldSelf.spec.{name})) || {_RERUN}",
            f"spec.{name} cannot be changed; when the test has completed, change it together with spec.runId"
            " to run again, or create another LoadTest",
        )
        for name in spec["properties"]
        if name not in MUTABLE_FIELDS
    ] + [
        _rule(
            f"{_SAME_RUN_ID} || {_RERUN}",
            "spec.runId can be changed only when the test has completed",
        ),
        _rule(
            f"{_SAME_RUN_ID} || !has(self.spec.stop) || !self.spec.stop",
            "spec.stop is true, so a run with the new spec.runId would end before it starts: set spec.stop to false"
            " together with the new spec.runId",
        ),
    ]


def _rule(cel: str, message: str) -> Json:
    return {"rule": cel, "message": message}


def _structural_schema(kind: type) -> Json:
    """A type's JSON schema in the form that Kubernetes calls structural: no references, no unions with null."""
    (_,), definitions = msgspec.json.schema_components([kind], ref_template="{name}")
    return _inline(definitions[kind.__name__], definitions)


def _inline(node: Json, definitions: dict[str, Json]) -> Json:
    if "$ref" in node:
        return _inline({**definitions[node["$ref"]], **_without(node, "$ref")}, definitions)
    if node.get("x-kubernetes-int-or-string"):
        # Its two types stand in no union here, so what bounds them stands beside the mark.
        return {key: node[key] for key in _OF_INT_OR_STRING if key in node}
    if "anyOf" in node:
        return _inline(_without_null(node), definitions)
    schema = _without(node, "title", "propertyNames", "$defs")
    if "pattern" in schema:
        schema["pattern"] = re2_pattern(schema["pattern"])
    if schema.get("default", 0) is None:
        del schema["default"]
    if "required" in schema:
        # Null is as good as absent in a resource, so what may be null may be left out.
        schema["required"] = [name for name in schema["required"] if not _may_be_null(schema["properties"][name])]
    if not schema.get("required", True):
        del schema["required"]
    if "enum" in schema:
        schema["enum"] = [value for value in schema["enum"] if value is not None]
        schema["type"] = "integer" if all(isinstance(value, int) for value in schema["enum"]) else "string"
    if isinstance(schema.get("items"), dict):
        schema["items"] = _inline(schema["items"], definitions)
    if isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = _inline(schema["additionalProperties"], definitions)
    else:
        schema.pop("additionalProperties", None)
    if "properties" in schema:
        required_names = schema.get("required", [])
        schema["properties"] = {
            name: _property(value, name in required_names, definitions) for name, value in schema["properties"].items()
        }
    return schema


def _without_defaults(node: Json) -> Json:
    """A status says only what was written, so nothing in it is filled in."""
    schema = _without(node, "default")
    if "properties" in schema:
        schema["properties"] = {name: _without_defaults(value) for name, value in schema["properties"].items()}
    for part in ("items", "additionalProperties"):
        if part in schema:
            schema[part] = _without_defaults(schema[part])
    return schema


def _property(node: Json, is_required: bool, definitions: dict[str, Json]) -> Json:
    """A property that may be left out gets an empty object, so that the defaults within it are filled in."""
    schema = _inline(node, definitions)
    if not is_required and "anyOf" not in node and "properties" in schema:
        schema["default"] = {}
    return schema


def _may_be_null(node: Json) -> bool:
    return {"type": "null"} in node.get("anyOf", []) or None in node.get("enum", [])


def _without_null(node: Json) -> Json:
    """A union with null becomes its other member, which may be left out."""
    (member,) = [option for option in node["anyOf"] if option != {"type": "null"}]
    return {**member, **_without(node, "anyOf", "default")}


def _without(node: Json, *keys: str) -> Json:
    return {key: value for key, value in node.items() if key not in keys}
