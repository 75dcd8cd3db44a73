"""The labels by which people and programs find what belongs to a test."""

import re
from typing import Final

from loadtest_model.spec import GROUP

TEST_LABEL: Final = f"{GROUP}/test"
UID_LABEL: Final = f"{GROUP}/uid"
RUN_LABEL: Final = f"{GROUP}/run"
VERDICT_LABEL: Final = f"{GROUP}/verdict"
FINISHED_RUN_ANNOTATION: Final = f"{GROUP}/finished-run"


def label_value(text: str) -> str:
    """A text cut to what a label's value may be: at most 63 characters, alphanumeric at both ends."""
    return re.sub(r"[^A-Za-z0-9]+$", "", text[:63])
