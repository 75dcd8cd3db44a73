"""How kopf is told to watch."""

from loadtest_operator.facts.names import SELECTOR
from loadtest_operator.program.handlers import watching_settings


def test_watching_lives_through_ten_minutes_without_an_api_server() -> None:
    backoffs = watching_settings().networking.error_backoffs

    assert sum(backoffs) >= 600


def test_of_jobs_and_pods_only_our_own_are_watched_and_nothing_is_posted() -> None:
    settings = watching_settings()

    assert settings.watching.label_selectors["batch", "v1", "jobs"] == SELECTOR
    assert settings.watching.label_selectors["", "v1", "pods"] == SELECTOR
    assert not settings.posting.enabled
