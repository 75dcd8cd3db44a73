"""A spec in progress, as options, environment and manifest make it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from loadgen.options.errors import UsageError
from loadgen.options.wording import OPTIONS, advice_words, decoding_error, with_user_words
from loadtest_model.spec import Spec
from loadtest_model.spec.validation import broken_rules

Json = dict[str, Any]


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
