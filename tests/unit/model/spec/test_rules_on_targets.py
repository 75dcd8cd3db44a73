"""What the rules refuse of a target."""

from typing import Any

import msgspec
import pytest

from loadtest_model.spec.validation import broken_rules
from support.builders import a_spec

LOGIN = {"url": "https://clients/api/token/", "secretRef": {"name": "robot"}}

KEY = {"name": "X-Key", "secretKeyRef": {"name": "key"}}


def messages_about(**target: Any) -> str:
    return "\n".join(fault.message for fault in broken_rules(a_spec(target={"url": "https://clients/x", **target})))


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"auth": {"secretKeyRef": {"name": "t"}}},
        {"auth": {"login": LOGIN}},
        {"auth": {"login": {**LOGIN, "format": "form", "tokenPath": "data.token", "expiresInPath": "data.expires_in"}}},
        {"tls": {"caSecretKeyRef": {"name": "ca"}, "clientCertificateSecretRef": {"name": "me"}}},
        {"tls": {"caConfigMapKeyRef": {"name": "ca"}, "serverName": "shop.example"}},
        {"tls": {"serverName": "shop"}, "url": "HTTPS://clients/x"},
        {"host": "shop.example"},
        {"host": "shop.example:8443"},
        {"host": "[fd00::7]:8000"},
        {"host": "clients_1"},
        {"timeout": "30s", "timeouts": {"connect": "500ms", "upload": "10s", "answer": "29s"}},
        {"timeout": "5s"},
        {"connections": "Kept"},
        {"headersFrom": [KEY], "headers": {"X-Tenant": "t"}},
    ],
)
def test_what_a_target_may_say_is_taken(target: dict[str, Any]) -> None:
    assert messages_about(**target) == ""


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"auth": {}}, "exactly one of secretKeyRef"),
        ({"auth": {"secretKeyRef": {"name": "t"}, "login": LOGIN}}, "exactly one of secretKeyRef"),
        ({"auth": {"login": {**LOGIN, "url": "clients/api"}}}, "spec.target.auth.login.url must be an http or https"),
        ({"auth": {"login": {**LOGIN, "url": "http://u:p@clients/"}}}, "credentials"),
        ({"auth": {"login": {**LOGIN, "url": "http://clients:0/"}}}, "port"),
        ({"tls": {"caSecretKeyRef": {"name": "a"}, "caConfigMapKeyRef": {"name": "b"}}}, "from one place"),
        ({"headersFrom": [{**KEY, "name": "X Key"}]}, "spec.target.headersFrom must have names that HTTP allows"),
        ({"headersFrom": [{**KEY, "name": "authorization"}]}, "spec.target.headersFrom must not set"),
        ({"headersFrom": [{**KEY, "name": "X_Load_Test"}]}, "spec.target.headersFrom must not set"),
        ({"headersFrom": [KEY, {**KEY, "name": "x_key"}]}, "must name each header once"),
        ({"headersFrom": [KEY], "headers": {"x-key": "1"}}, "none that spec.target.headers has"),
        (
            {"headersFrom": [{**KEY, "name": "Traceparent"}], "tracing": {"sampleRatio": 0.5}},
            "a traceparent of its own",
        ),
        ({"tls": {}, "url": "http://clients/x"}, "needs an https URL"),
        ({"timeouts": {"upload": "0s"}}, "spec.target.timeouts.upload must lie between 10ms and 1h"),
        ({"timeouts": {"connect": "2h"}}, "spec.target.timeouts.connect"),
    ],
)
def test_what_a_target_may_not_say_is_refused_with_the_field_named(target: dict[str, Any], words: str) -> None:
    assert words in messages_about(**target)


@pytest.mark.parametrize(
    "target",
    [
        {"tls": {"serverName": "a b"}},
        {"tls": {"serverName": "10.0.0.1:443"}},
        {"tls": {"serverName": "shop\n"}},
        {"host": "shop.example/x"},
        {"host": "a\r\nX-Load-Test: false"},
        {"host": "shop.example:0"},
    ],
)
def test_a_host_that_is_none_is_refused_by_its_type(target: dict[str, Any]) -> None:
    (field,) = target

    with pytest.raises(msgspec.ValidationError, match=rf"\$\.target\.{field}"):
        messages_about(**target)
