"""What must be true of a target before anything is sent to it: addresses, certificates and token."""

from loadgen.auth.secret_texts import TokenUnreadableError
from loadgen.http.address_rules import rules_of
from loadgen.http.endpoints import Endpoint, site_of
from loadgen.http.first_seconds import Attempts
from loadgen.http.tls import TlsUnusableError
from loadgen.proof.refusals import cause_of_no_token, expiry_refusal, refusal_report
from loadgen.upload.address_source import AddressSource
from loadgen.upload.name_resolution import NameNotResolvedError
from loadgen.upload.uploading import Uploader
from loadtest_model.measurement.causes import Cause
from loadtest_model.measurement.snapshot import Refusal, VerificationReport
from loadtest_model.plan import Plan


class Preconditions:
    """Gives the addresses that may be verified, or why the target is refused without an upload."""

    def __init__(self, plan: Plan, uploader: Uploader, source: AddressSource) -> None:
        self._plan = plan
        self._uploader = uploader
        self._source = source
        self._host = site_of(plan.target.url).host
        self._rules = rules_of(plan.network)

    async def permitted_endpoints(self) -> tuple[Endpoint, ...] | VerificationReport:
        """The addresses to verify, or a refusal that is known before anything is sent."""
        if (setup_refusal := await self._setup_refusal()) is not None:
            return setup_refusal
        attempts = Attempts()
        while True:
            try:
                endpoints = await self._source.read_provable()
                break
            except NameNotResolvedError as error:
                if error.does_not_exist:
                    return refusal_report(Refusal.DNS, str(error))
                if not await attempts.try_again():
                    return refusal_report(Refusal.DNS, f"{error} ({attempts})")
        denied_addresses = [
            str(endpoint) for endpoint in endpoints if not self._rules.permits(endpoint.ip, endpoint.port)
        ]
        if denied_addresses:
            return refusal_report(
                Refusal.ADDRESS_DENIED, f"{self._host} is {', '.join(denied_addresses)}, which is not allowed"
            )
        return endpoints

    async def _setup_refusal(self) -> VerificationReport | None:
        """The refusal, if token or certificates are not fit for the run; None if they are."""
        try:
            self._uploader.load_certificates()
            await self._uploader.token_final_expiry()
        except TlsUnusableError as error:
            return refusal_report(Refusal.TLS, str(error), Cause.TLS_SETTINGS)
        except TokenUnreadableError as error:
            return refusal_report(Refusal.UNAUTHORIZED, str(error), cause_of_no_token(error))
        return None

    async def refuse_short_token(self) -> VerificationReport | None:
        """The refusal of a token that does not last until the last upload begins; None if it does, or says nothing.

        It is read against the target's clock, which the first answer tells.
        """
        try:
            expires_at = await self._uploader.token_final_expiry()
        except TokenUnreadableError as error:
            return refusal_report(Refusal.UNAUTHORIZED, str(error), cause_of_no_token(error))
        if expires_at is None:
            return None
        # A load by hand has no commands, and waits for no other pod.
        alone = not self._plan.command_digests
        wait_seconds = 0.0 if alone else self._plan.deadlines.barrier_seconds
        remaining_seconds = expires_at - self._uploader.clock.now()
        return expiry_refusal(remaining_seconds, self._plan.seconds_to_last_upload(alone=alone), wait_seconds)
