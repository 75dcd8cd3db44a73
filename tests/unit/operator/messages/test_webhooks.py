"""The file of webhooks: what is refused, and that no text about it shows an address."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtest_operator.messages.forms import MessageFormat
from loadtest_operator.messages.webhooks import WebhookFile, WebhooksError, read_webhooks
from loadtest_operator.policy.webhook_rules import WebhookRule
from loadtest_operator.program.cli import main

SECRET = "T0PS3CRET"
URL = f"https://hooks.example.com/services/{SECRET}"
WEBHOOK: dict[str, Any] = {"name": "team", "url": URL, "format": "slack"}


def text(*webhooks: dict[str, Any]) -> str:
    return yaml.safe_dump({"webhooks": list(webhooks)})


def test_a_file_names_receivers_with_their_filters() -> None:
    (webhook,) = read_webhooks(text({**WEBHOOK, "verdicts": ["Failed"], "namespaces": ["shop", "team-*"]}))

    assert (webhook.url, webhook.format) == (URL, MessageFormat.SLACK)
    assert webhook.rule == WebhookRule("team", ("Failed",), ("shop", "team-*"))


@pytest.mark.parametrize(
    ("content", "explanation"),
    [
        ("webhooks: [", "it is not YAML at line 1"),
        ("[]", "Expected `object`, got `array`"),
        ("", "Expected `object`, got `null`"),
        (text({**WEBHOOK, "url": f"ftp://{SECRET}/"}), "the url at $.webhooks[0] must be an http or https URL"),
        (text({**WEBHOOK, "url": f"https://u:{SECRET}@example.com/"}), "without credentials"),
        (text({**WEBHOOK, "url": f"https://example.com:99999/{SECRET}"}), "must be an http or https URL"),
        (text({**WEBHOOK, "url": [URL]}), "Expected `str`, got `array` - at `$.webhooks[0].url`"),
        (text({**WEBHOOK, "format": URL}), "an unknown value - at `$.webhooks[0].format`"),
        (text({**WEBHOOK, "verdicts": [URL]}), "an unknown value - at `$.webhooks[0].verdicts[0]`"),
        (text({**WEBHOOK, "name": URL}), "Expected `str` matching regex"),
        (text({**WEBHOOK, "headers": {"X": f"{SECRET}\n"}}), "Expected `str` matching regex"),
        (text({**WEBHOOK, "adress": "x"}), "Object contains unknown field `adress`"),
        (text({**WEBHOOK, "certificateAuthorities": SECRET}), "are no certificates as PEM"),
        (text(WEBHOOK, WEBHOOK), "two webhooks have the same name"),
        (text(*({**WEBHOOK, "name": f"w{number}"} for number in range(17))), "length <= 16"),
    ],
)
def test_what_cannot_be_used_is_refused_without_showing_it(content: str, explanation: str) -> None:
    with pytest.raises(WebhooksError) as refusal:
        read_webhooks(content)

    assert explanation in str(refusal.value)
    assert SECRET not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_file_that_becomes_unusable_leaves_the_webhooks_that_were_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "webhooks.yaml"
    path.write_text(text(WEBHOOK))
    file = WebhookFile(str(path))
    assert [webhook.name for webhook in file.current()] == ["team"]

    path.write_text(text({**WEBHOOK, "name": "other"}))
    assert [webhook.name for webhook in file.current()] == ["other"]

    for spoil in (lambda: path.write_text(f"webhooks: [{SECRET}"), path.unlink):
        spoil()
        for _ in range(3):
            assert [webhook.name for webhook in file.current()] == ["other"]
    assert [record.message.rpartition(": ")[2] for record in caplog.records] == [
        "it is not YAML at line 1",
        "FileNotFoundError",
    ]
    assert SECRET not in caplog.text


def test_without_a_path_there_are_no_webhooks() -> None:
    assert WebhookFile("").current() == ()


def test_an_operator_with_a_file_that_cannot_be_used_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "webhooks.yaml"
    path.write_text(text({**WEBHOOK, "url": f"ftp://{SECRET}/"}))
    monkeypatch.setenv("LOADTEST_IMAGE", "loadgen:1")
    monkeypatch.setenv("LOADTEST_WEBHOOKS", str(path))

    assert main(["run"]) == 64

    error = capsys.readouterr().err
    assert "the file of webhooks in LOADTEST_WEBHOOKS cannot be used: the url at $.webhooks[0]" in error
    assert SECRET not in error
