"""Names, labels and annotations of what belongs to a LoadTest."""

import hashlib
import re
from typing import Final

from loadtest_model.report.labels import RUN_LABEL, TEST_LABEL, UID_LABEL, label_value
from loadtest_model.spec import GROUP

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "loadtest-operator"
TARGET_ANNOTATION: Final = f"{GROUP}/target"
ARCHIVED_ANNOTATION: Final = f"{GROUP}/archived"
INDEX_ANNOTATION: Final = "batch.kubernetes.io/job-completion-index"
CONTAINER: Final = "loadgen"
RESULTS_SUFFIX: Final = "-results"
SELECTOR: Final = f"{MANAGED_BY_LABEL}={MANAGED_BY}"


def job_name(name: str, uid: str, run_id: str) -> str:
    """The name of a run's Job: readable first, unique by the hash of the test's UID and the run's id."""
    readable = re.sub(r"[^a-z0-9]+$", "", name[:40].replace(".", "-"))
    return f"{readable}-{hashlib.sha256(f'{uid}/{run_id}'.encode()).hexdigest()[:8]}"


def results_name(name: str, uid: str, run_id: str, judged_at: str) -> str:
    """The name of a run's results. The time of the verdict tells runs apart that had one id after the other."""
    return f"{job_name(name, uid, f'{run_id}/{judged_at}')}{RESULTS_SUFFIX}"


def network_policy_name(name: str, uid: str, run_id: str) -> str:
    return f"{job_name(name, uid, run_id)}-pods"


def labels(name: str, uid: str, run_id: str) -> dict[str, str]:
    return {
        MANAGED_BY_LABEL: MANAGED_BY,
        TEST_LABEL: label_value(name),
        UID_LABEL: uid,
        RUN_LABEL: run_id,
    }


def run_labels(uid: str, run_id: str) -> dict[str, str]:
    """The labels that the pods of one run have, and no others."""
    return {UID_LABEL: uid, RUN_LABEL: run_id}


def uid_selector(uid: str) -> str:
    """Selects everything that belongs to one LoadTest, whatever the run."""
    return f"{SELECTOR},{UID_LABEL}={uid}"
