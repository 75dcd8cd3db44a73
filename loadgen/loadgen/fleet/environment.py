"""The settings of a pod, from its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from loadtest_model.plan import PLAN_SCHEMA, Plan
from loadtest_model.plan.variable import PLAN_VARIABLE, decode_plan

TERMINATION_PATH: Final = "/dev/termination-log"


@dataclass(frozen=True, slots=True)
class PodSettings:
    """Who the pod is, the run's plan, and where its last word goes."""

    plan: Plan
    pod_index: int
    pod_uid: str
    ip: str
    termination_path: Path


def termination_path(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("TERMINATION_MESSAGE_PATH") or TERMINATION_PATH)


def read_settings(environment: Mapping[str, str]) -> PodSettings:
    """The settings in LOADTEST_PLAN, JOB_COMPLETION_INDEX, POD_IP and POD_UID.

    Raises ValueError, naming the variable.
    """
    plan = _plan(_required_text(environment, PLAN_VARIABLE))
    index = _number("JOB_COMPLETION_INDEX", _required_text(environment, "JOB_COMPLETION_INDEX"))
    if index >= plan.parallelism:
        raise ValueError(f"JOB_COMPLETION_INDEX is {index}, but the plan has {plan.parallelism} pod(s)")
    return PodSettings(
        plan=plan,
        pod_index=index,
        pod_uid=_required_text(environment, "POD_UID"),
        ip=_required_text(environment, "POD_IP"),
        termination_path=termination_path(environment),
    )


def _required_text(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise ValueError(f"the environment variable {name} is missing")
    return value


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"the environment variable {name} is {text!r}; it must be a whole number")
    return int(text)


def _plan(text: str) -> Plan:
    try:
        plan = decode_plan(text)
    except msgspec.DecodeError as error:
        raise ValueError(f"{PLAN_VARIABLE} is no plan: {error}") from error
    if plan.schema != PLAN_SCHEMA:
        raise ValueError(f"{PLAN_VARIABLE} has schema {plan.schema}; this generator understands {PLAN_SCHEMA}")
    return plan
