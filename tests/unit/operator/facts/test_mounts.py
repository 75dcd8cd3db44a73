"""What the pods mount, and that the plan looks for it where it is mounted."""

import json
from typing import Any

import msgspec
import pytest

from loadtest_model.plan import SecretPlace, SecretPlaces
from loadtest_model.spec.target import Target
from loadtest_operator.facts.mounts import mounted_volumes, secret_places

LOGIN = {"url": "https://clients/api/token/", "secretRef": {"name": "robot", "passwordKey": "word"}}
CASES: dict[str, dict[str, Any]] = {
    "a token": {"auth": {"secretKeyRef": {"name": "shop", "key": "jwt"}}},
    "a login": {"auth": {"login": LOGIN}},
    "an authority in a Secret": {"tls": {"caSecretKeyRef": {"name": "ca"}}},
    "an authority in a ConfigMap": {"tls": {"caConfigMapKeyRef": {"name": "trust", "key": "bundle.pem"}}},
    "a client's certificate": {"tls": {"clientCertificateSecretRef": {"name": "me"}}},
    "headers": {
        "headersFrom": [
            {"name": "Load-Test-Token", "secretKeyRef": {"name": "guard"}},
            {"name": "X-Key", "secretKeyRef": {"name": "shop", "key": "api"}},
        ]
    },
    "all at once": {
        "auth": {"login": LOGIN},
        "tls": {"caSecretKeyRef": {"name": "ca"}, "clientCertificateSecretRef": {"name": "me"}},
    },
}


def target(**fields: Any) -> Target:
    return msgspec.convert({"url": "https://clients/x", **fields}, Target)


def files_of(places: SecretPlaces) -> set[str]:
    sources = [places.token, places.username, places.password, *places.headers.values()]
    named = [source.file for source in sources if source] + [places.ca_file, places.certificate_file, places.key_file]
    return {file for file in named if file}


@pytest.mark.parametrize("case", CASES)
def test_each_file_that_the_plan_names_is_mounted_and_no_other(case: str) -> None:
    made = target(**CASES[case])

    mounted = {f"{each.mount['mountPath']}/{path}" for each in mounted_volumes(made) for _, path in each.files}

    assert mounted == files_of(secret_places(made)) != set()


@pytest.mark.parametrize("case", CASES)
def test_volumes_are_read_only_and_closed_to_others(case: str) -> None:
    for mounted in mounted_volumes(target(**CASES[case])):
        source = mounted.volume.get("secret") or mounted.volume["configMap"]
        assert mounted.mount["readOnly"] is True
        assert source["defaultMode"] == 0o440
        assert source["items"]


def test_only_the_named_keys_are_mounted() -> None:
    (login,) = mounted_volumes(target(auth={"login": LOGIN}))

    assert login.volume["secret"]["secretName"] == "robot"
    assert login.volume["secret"]["items"] == [
        {"key": "username", "path": "username"},
        {"key": "word", "path": "password"},
    ]


def test_an_authority_may_come_from_a_config_map() -> None:
    (mounted,) = mounted_volumes(target(**CASES["an authority in a ConfigMap"]))

    assert mounted.volume["configMap"]["name"] == "trust"
    assert mounted.volume["configMap"]["items"] == [{"key": "bundle.pem", "path": "ca.crt"}]
    assert str(mounted) == "ConfigMap trust (key bundle.pem)"


def test_each_header_has_a_volume_of_its_own_key() -> None:
    assert [str(each) for each in mounted_volumes(target(**CASES["headers"]))] == [
        "Secret guard (key token)",
        "Secret shop (key api)",
    ]
    assert secret_places(target(**CASES["headers"])).headers == {
        "Load-Test-Token": SecretPlace(file="/var/run/loadtest/header-0/value"),
        "X-Key": SecretPlace(file="/var/run/loadtest/header-1/value"),
    }


def test_a_target_without_secrets_mounts_nothing() -> None:
    assert mounted_volumes(target()) == []
    assert secret_places(target()) == SecretPlaces()


def test_what_is_mounted_reads_well() -> None:
    assert [str(each) for each in mounted_volumes(target(**CASES["all at once"]))] == [
        "Secret robot (keys username, word)",
        "Secret ca (key ca.crt)",
        "Secret me (keys tls.crt, tls.key)",
    ]
    assert "token" not in json.dumps([each.volume for each in mounted_volumes(target(auth={"login": LOGIN}))])
