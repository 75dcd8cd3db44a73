"""Which hosts the URLs of a LoadTest may name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest_operator.policy.target_policy import TargetPolicy, host_of, is_cluster_service, is_pattern, target_refusal
from support.operator_builders import a_fleet_spec
from support.target_hosts import CASES, FIELDS


@pytest.mark.parametrize(("patterns", "url", "passes"), CASES)
def test_a_url_passes_where_its_host_is_on_the_list(patterns: tuple[str, ...], url: str, passes: bool) -> None:
    refused = target_refusal(a_fleet_spec(target={"url": url}), TargetPolicy(patterns))

    assert (refused == "") is passes


@pytest.mark.parametrize(
    "url",
    [
        "http://clients\\@example.com/",
        "http://clients\t.example.com/",
        "http://clients@example.com/",
        "http://exa%6Dple.com/",
        "http://clients\u3002example/",
        "http://[clients/",
        "clients",
    ],
)
def test_what_readers_of_urls_may_differ_about_passes_no_list_of_services(url: str) -> None:
    assert host_of(url) == ""
    assert target_refusal(a_fleet_spec(target={"url": url}), TargetPolicy()) != ""


@pytest.mark.parametrize("field", FIELDS)
def test_every_url_of_a_spec_is_held_against_the_list(field: str) -> None:
    said = target_refusal(a_fleet_spec(**FIELDS[field]), TargetPolicy())

    assert said.startswith(f"{field}: the host example.com is not among the targets of this installation")
    assert said.endswith("an administrator can add it to policy.targets")


def test_a_service_written_with_two_labels_is_told_how_to_be_written() -> None:
    said = target_refusal(a_fleet_spec(target={"url": "http://clients.shop:8000/"}), TargetPolicy())

    assert "a Service of another namespace is written clients.shop.svc" in said


@pytest.mark.parametrize("text", ["*", "*.example.com", "example.com", "cluster-services", "192.0.2.7", "2001:db8::7"])
def test_what_may_stand_on_the_list(text: str) -> None:
    assert is_pattern(text)


@pytest.mark.parametrize("text", ["", "*example.com", "a.*.com", "http://a.com", "a b", "*.", "exämple.com", "a,b"])
def test_what_may_not_stand_on_the_list(text: str) -> None:
    assert not is_pattern(text)


@given(st.text(alphabet="abz019.-_:[]%", max_size=30))
def test_no_host_that_ends_outside_the_cluster_is_taken_for_a_service(text: str) -> None:
    assert not is_cluster_service(f"{text}.example.com", "cluster.local")
    assert not is_cluster_service(f"{text}.com", "cluster.local")
