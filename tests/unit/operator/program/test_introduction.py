"""The operator's first line, and what it says while it cannot begin."""

import logging

import pytest

from loadtest_operator.cluster.api import ApiError
from loadtest_operator.cluster.obstacles import about_loadtests, about_the_key
from loadtest_operator.facts.texts import escape
from loadtest_operator.program.health import Readiness
from loadtest_operator.program.introduction import introduction
from loadtest_operator.program.settings import settings_from


def said_of(**environment: str) -> list[str]:
    line = introduction(settings_from({"LOADTEST_IMAGE": "loadgen:1", **environment}), "1.2.3")
    assert escape(line) == line, "it is one line of a log"
    return line.split("; ")


def test_an_installation_is_told_by_its_version_and_settings() -> None:
    said = said_of(
        LOADTEST_WATCH_NAMESPACES="shop,other",
        LOADTEST_LIMIT_TESTS="100",
        LOADTEST_LIMIT_PODS="7",
        LOADTEST_TARGETS="cluster-services\nupload.example.com",
        LOADTEST_TARGET_ALLOWED="10.0.0.0/8",
        LOADTEST_TARGET_DENIED="10.1.0.0/16",
        LOADTEST_SECRET_ACCESS="a-secret-access",
        LOADTEST_NETWORK_POLICY="true",
        LOADTEST_LEASE="loadtest-operator",
        LOADTEST_OPERATOR_NAMESPACE="tools",
        POD_NAME="loadtest-operator-1",
    )

    assert said == [
        "loadtest-operator 1.2.3",
        "image of the pods: loadgen:1",
        "namespaces watched: shop, other",
        "limits: 100 tests, 7 pods, any number of pods a test",
        "targets: cluster-services, upload.example.com",
        "networks: 10.0.0.0/8 without 10.1.0.0/16, 127.0.0.0/8, ::1/128",
        "Secrets: checked by ValidatingAdmissionPolicy a-secret-access",
        "NetworkPolicies of runs: made",
        "webhooks: none",
        "archive: none",
        "leadership: loadtest-operator-1 shares the Lease tools/loadtest-operator",
    ]


def test_what_an_installation_does_without_is_told_too() -> None:
    said = said_of(LOADTEST_TARGETS="", LOADTEST_NETWORK_POLICY="false", LOADTEST_ALLOW_LOOPBACK="true")

    assert "namespaces watched: all" in said
    assert "targets: none" in said
    assert "networks: all" in said
    assert "Secrets: nobody checks them, so no test may name one" in said
    assert "NetworkPolicies of runs: none" in said
    assert "leadership: the only replica" in said


def test_an_administrator_who_vouches_is_told() -> None:
    assert "Secrets: an administrator vouches for who names them" in said_of(
        LOADTEST_SECRET_ACCESS="installed-by-admin"
    )


REFUSED = ApiError(403, "Forbidden", "loadtests is forbidden")


@pytest.mark.parametrize(
    ("error", "namespace", "said"),
    [
        (ApiError(404, "NotFound", "page not found"), None, "CustomResourceDefinition loadtests.x-load-test.dev is"),
        (ApiError(404, "NotFound", "page not found"), "shop", "apply crds/loadtests.yaml"),
        (REFUSED, None, "may not list LoadTests in the cluster (loadtests is forbidden)"),
        (REFUSED, "shop", "may not list LoadTests in namespace shop"),
        (REFUSED, "shop", "watch.namespaces"),
        (ApiError(0, "Unreachable", "no route"), "shop", "waiting for the API server: 0 Unreachable: no route"),
        (ApiError(429, "TooManyRequests", "later"), None, "waiting for the API server"),
    ],
)
def test_what_keeps_loadtests_from_being_listed_is_named(error: ApiError, namespace: str | None, said: str) -> None:
    assert said in about_loadtests(error, namespace)


def test_a_secret_that_may_not_be_kept_is_named_with_its_namespace() -> None:
    assert "its Secret in namespace tools (secrets is forbidden)" in about_the_key(
        ApiError(403, "Forbidden", "secrets is forbidden"), "tools"
    )
    assert about_the_key(ApiError(500, "Internal", "no"), "tools").startswith("waiting for the API server")


def test_an_obstacle_is_logged_once_for_each_time_that_it_comes(caplog: pytest.LogCaptureFixture) -> None:
    readiness = Readiness()
    with caplog.at_level(logging.WARNING):
        for obstacle in ("no CRD", "no CRD", "no rights", "no CRD"):
            readiness.set_obstacle(obstacle)
        readiness.clear()
        readiness.set_obstacle("no CRD")

    assert [record.getMessage() for record in caplog.records] == ["no CRD", "no rights", "no CRD", "no CRD"]
    assert readiness.obstacle() == "no CRD"
