"""Effects that no rollback undoes: mails, stored files, tasks, cache entries. The guard holds them back.

It refuses what uses the database outside of its transactions.

What watches them asks first whether a guard is active, and does nothing otherwise.
"""

from loadtest_guard.effects.connections import watch_connections
from loadtest_guard.effects.files import watch_storages
from loadtest_guard.effects.mail import watch_mail
from loadtest_guard.effects.patching import once
from loadtest_guard.effects.tasks import watch_tasks


@once
def watch_effects() -> None:
    """Watch all effects from now on."""
    watch_connections()
    watch_mail()
    watch_storages()
    watch_tasks()
