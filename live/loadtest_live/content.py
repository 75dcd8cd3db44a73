"""What a page has shown so far, so that everybody is sent only what has changed since they looked."""

from dataclasses import dataclass, field

import msgspec

from loadtest_model.pages.icons import favicon
from loadtest_model.pages.live.assets import look_version
from loadtest_model.pages.live.view import LiveView


@dataclass
class PageContent:
    """The newest view of a page, and when each of its parts changed last.

    `source` names this process's own count of changes: another process's version says nothing here.
    """

    source: str
    view: LiveView | None = None
    _changes: int = 0
    _changed_at: dict[str, int] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return f"{self.source}-{self._changes}"

    def take(self, view: LiveView) -> bool:
        """Take over a view; gives whether it differs from the one before."""
        previous, self.view = self.view, view
        if previous == view:
            return False
        self._changes += 1
        earlier_parts = dict(previous.parts) if previous is not None else {}
        self._changed_at = {
            part.id: self._changed_at[part.id] if earlier_parts.get(part.id) == part.markup else self._changes
            for part in view.parts
        }
        return True

    def update_since(self, version: str) -> bytes | None:
        """What has changed since a version, as JSON: None if nothing, and all if the version is not known here."""
        if self.view is None or version == self.version:
            return None
        source, _, number = version.rpartition("-")
        change = int(number) if source == self.source and number.isdecimal() else 0
        update = {
            "version": self.version,
            "look": look_version(),
            "title": self.view.title,
            "icon": favicon(self.view.tone),
            "order": [part.id for part in self.view.parts],
            "parts": {part.id: part.markup for part in self.view.parts if self._changed_at[part.id] > change},
        }
        return msgspec.json.encode(update)
