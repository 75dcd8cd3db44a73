"""The guard of one request: what is held around it, and what came of it."""

from collections import Counter
from contextvars import Token as ContextToken
from dataclasses import dataclass, field

from loadtest_guard.active import ACTIVE
from loadtest_guard.databases import DatabaseFigures, GuardedDatabases
from loadtest_guard.effects.caches import CacheOverlays
from loadtest_guard.errors import GuardRefusalError
from loadtest_guard.guard_settings import EffectRule, GuardSettings
from loadtest_guard.protection import Protection
from loadtest_guard.refusals import logger


@dataclass(frozen=True)
class Outcome:
    """What the guard held back and refused."""

    figures: DatabaseFigures
    held: dict[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()


class Guard:
    """Holds one request. `activate` and `deactivate` belong to the request's context, `open` and `close` to the
    thread that has its database connections.
    """

    def __init__(self, settings: GuardSettings) -> None:
        self.settings = settings
        self.protection: Protection | None = None
        """That of the view, once the view is known and the request may go to it."""
        self.processed_count: int | None = None
        self._held: Counter[str] = Counter()
        self._refused: list[str] = []
        self._is_over = False
        self._databases = GuardedDatabases(settings.mode, self.refuse)
        self._overlays = CacheOverlays(self.hold)
        self._context: ContextToken[Guard | None] | None = None

    def activate(self) -> None:
        """Hold back the effects of the code that runs in this context."""
        self._context = ACTIVE.set(self)
        self._overlays.lay()

    def deactivate(self) -> None:
        """End what `activate` began. Safe to call again."""
        self._overlays.remove()
        if self._context is not None:
            ACTIVE.reset(self._context)
            self._context = None

    def open(self) -> None:
        """Begin the transactions. Raises GuardUnavailableError."""
        self._databases.open()

    @property
    def has_refused(self) -> bool:
        """Whether the view has done what it may not."""
        return bool(self._refused)

    def close(self) -> Outcome:
        """Roll everything back."""
        figures = self._databases.close()
        self._is_over = True
        return Outcome(figures, dict(self._held), tuple(dict.fromkeys(self._refused)))

    def holds(self, connection: object) -> bool:
        """Whether what is done by this connection is rolled back."""
        return self._databases.holds(connection)

    def refuse(self, problem: str) -> None:
        """Record what the view may not do. The answer is a refusal then, unless it has been given already."""
        self._refused.append(problem)
        if self._is_over:
            logger.error("after a load test was answered: %s", problem)

    def hold(self, kind: str) -> None:
        """Record an effect that does not happen. Raises GuardRefusalError where effects are refused."""
        if self.settings.effects is EffectRule.REFUSE:
            problem = f"the view has an effect that no rollback undoes: {kind}"
            self.refuse(problem)
            raise GuardRefusalError(problem)
        self._held[kind] += 1
