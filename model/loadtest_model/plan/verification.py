"""The read-back as the pods do it."""

from urllib.parse import urlsplit

from loadtest_model.plan.errors import PlanError
from loadtest_model.plan.records import RecordsPlan
from loadtest_model.reasons import Reason
from loadtest_model.spec.verification import CLIENT_ID, ReadBack, Verification
from loadtest_model.values import WireValue, seconds_of


class ReadBackPlan(WireValue, frozen=True, kw_only=True):
    """How to read what the target has stored.

    `url` with `{client_id}` in it looks rows up, else it counts them all. `control_client_id` or `control_url` is what
    must be found; where there is neither, the count itself must be above 0. `sends_token` says whether the target's
    token is sent. `timeout_seconds` bounds one reading.
    """

    url: str
    count_path: str | None
    control_client_id: str | None
    control_url: str | None
    headers: dict[str, str]
    sends_token: bool
    settle_seconds: float
    timeout_seconds: float

    @property
    def looks_up(self) -> bool:
        return CLIENT_ID in self.url

    @property
    def ending_seconds(self) -> float:
        """The longest that the readings after the load may take."""
        return self.settle_seconds + 2 * self.timeout_seconds


def compile_read_back(verification: Verification) -> ReadBackPlan | None:
    """The read-back of a spec, None where it has none. Raises PlanError where it could show nothing."""
    read_back = verification.read_back
    if read_back is None:
        if verification.require == "Proven":
            raise PlanError(
                Reason.ReadBackMissing,
                "spec.verification.require is Proven, but spec.verification.readBack is missing; nothing else shows"
                " what the target has stored",
            )
        return None
    _check(read_back)
    control = read_back.control
    return ReadBackPlan(
        url=_checked_url(read_back.url, "spec.verification.readBack.url"),
        count_path=read_back.count_path,
        control_client_id=control.client_id if control else None,
        control_url=_checked_url(control.url, "spec.verification.readBack.control.url")
        if control and control.url
        else None,
        headers=read_back.headers,
        sends_token=read_back.auth == "Target",
        settle_seconds=seconds_of(read_back.settle),
        timeout_seconds=seconds_of(read_back.timeout),
    )


def refuse_blind_look_up(read_back: ReadBackPlan | None, records: RecordsPlan) -> None:
    """Raise PlanError for a look-up of rows whose client_id no file has: finding none of them would show nothing."""
    if read_back is not None and read_back.looks_up and not any(c.source == "client_id" for c in records.columns):
        raise PlanError(
            Reason.ReadBackInvalid,
            "spec.verification.readBack.url looks rows up by their client_id, but spec.records.fields leaves the"
            " client_id out of the files; keep it, or count rows (countPath, and no {client_id} in url)",
        )


def _check(read_back: ReadBack) -> None:
    looks_up, control = CLIENT_ID in read_back.url, read_back.control
    wrong = ""
    if looks_up and control is None:
        wrong = "control is missing: a look-up must find a row that exists, or it shows nothing"
    elif not looks_up and read_back.count_path is None:
        wrong = f"countPath is missing: write where the count stands, such as count, or {CLIENT_ID} into url"
    elif control is not None and (control.client_id is None) == (control.url is None):
        wrong = "control must be either clientId or url"
    elif control is not None and control.client_id is not None and not looks_up:
        wrong = f"control.clientId is looked up in url, which has no {CLIENT_ID}"
    elif control is not None and control.url is not None and read_back.count_path is None:
        wrong = "countPath is missing: at control.url it must be above 0"
    if wrong:
        raise PlanError(Reason.ReadBackInvalid, f"spec.verification.readBack.{wrong}")


def _checked_url(url: str, path: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise PlanError(Reason.InvalidURL, f"{path} is {url}, which is no URL: {error}") from error
    if port == 0 or not parts.hostname or parts.scheme not in ("http", "https"):
        raise PlanError(Reason.InvalidURL, f"{path} is {url}; it must be an http or https URL with a host")
    if CLIENT_ID in parts.netloc:
        raise PlanError(
            Reason.InvalidURL, f"{path} is {url}; {CLIENT_ID} can stand in its path or query, not in its host"
        )
    return url
