"""Reads the ConfigMap that a test takes its columns from."""

import asyncio

from loadtest_model.reasons import Reason
from loadtest_model.spec.records_template import read_template
from loadtest_operator.cluster.api import CONFIG_MAPS, Api, ApiError
from loadtest_operator.facts.observation import ObservedTest
from loadtest_operator.facts.templates import ObservedTemplate


async def read_records_template(api: Api, test: ObservedTest) -> ObservedTemplate | None:
    """What the test's ConfigMap has; None if the test names none. Raises ApiError."""
    reference = test.spec.records.template if test.spec is not None else None
    if reference is None:
        return None
    namespace, name = test.identity.namespace, reference.name
    description = f"ConfigMap {namespace}/{name}, which spec.records.template names,"
    try:
        # By a list, because an operator has the right to list ConfigMaps for the sake of results.
        config_maps = await api.list(CONFIG_MAPS, namespace, fields=f"metadata.name={name}")
    except ApiError as error:
        if not error.is_forbidden:
            raise
        return ObservedTemplate(None, Reason.ConfigMapMissing, f"{description} may not be read by the operator")
    config_map = next((each for each in config_maps if each["metadata"]["name"] == name), None)
    if config_map is None:
        return ObservedTemplate(None, Reason.ConfigMapMissing, f"{description} does not exist")
    text = (config_map.get("data") or {}).get(reference.key)
    if text is None:
        return ObservedTemplate(None, Reason.ConfigMapKeyMissing, f"{description} has no key {reference.key}")
    try:
        # A long text takes a third of a second.
        return ObservedTemplate(await asyncio.to_thread(read_template, text))
    except ValueError as error:
        message = f"key {reference.key} of {description.removesuffix(',')} {error}"
        return ObservedTemplate(None, Reason.RecordsInvalid, message, is_lasting=True)
