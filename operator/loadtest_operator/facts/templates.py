"""What a look shows of the ConfigMap that a test takes its columns from."""

from dataclasses import dataclass

from loadtest_model.reasons import Reason
from loadtest_model.spec.records_template import RecordsTemplate


@dataclass(frozen=True)
class ObservedTemplate:
    """The columns in a ConfigMap, or the `problem` that kept them from being read. A lasting one does not pass."""

    template: RecordsTemplate | None = None
    problem: Reason | None = None
    message: str = ""
    is_lasting: bool = False
