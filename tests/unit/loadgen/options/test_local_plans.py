"""From what was typed to the plan that is run, or to what is wrong with it."""

import argparse
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from loadgen.cli.main import command_parser
from loadgen.cli.verify_command import local_verification_of
from loadgen.local.planning import access_of, local_test_of, plan_of
from loadgen.options.document import draft_of
from loadgen.options.errors import UsageError
from loadgen.options.manifest import Manifest, read_manifest
from loadgen.options.wording import with_advice_words
from loadtest_model.plan import Plan, SecretPlace, compile_plan
from loadtest_model.plan.bounds import NEVER_TARGETS
from loadtest_model.spec import Identity, Spec
from support.wrong_manifests import WRONG

URL = "http://127.0.0.1:8000/u/"
EXAMPLES = sorted((Path(__file__).resolve().parents[4] / "examples").glob("*.yaml"))
IDENTITY = Identity(namespace="shop", name="heavy", uid="7d0d5a0e-0000-4000-8000-000000000001")


def run_options(*arguments: str) -> argparse.Namespace:
    return command_parser().parse_args(["run", *arguments])


def plan(*arguments: str, **variables: str) -> Plan:
    return local_test_of(run_options(*arguments), variables).plan


def refusal_of(*arguments: str, **variables: str) -> str:
    with pytest.raises(UsageError) as wrong:
        plan(*arguments, **variables)
    return str(wrong.value)


def manifest(tmp_path: Path, **spec: Any) -> str:
    path = tmp_path / "loadtest.yaml"
    document = {
        "apiVersion": "x-load-test.dev/v1alpha1",
        "kind": "LoadTest",
        "metadata": {"name": "mine"},
        "spec": {"target": {"url": URL}, "scenario": "custom", **spec},
    }
    path.write_text(yaml.safe_dump(document))
    return str(path)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_manifest_means_what_it_means_in_a_cluster_but_for_pods_and_networks(path: Path) -> None:
    options = run_options("-f", str(path))
    loaded_manifest = read_manifest(path)

    local_plan = plan_of(draft_of(options, {}, loaded_manifest), IDENTITY, access_of(options, {}))

    cluster_plan = compile_plan(msgspec.convert(loaded_manifest.spec, Spec), IDENTITY)
    assert local_plan.parallelism == 1
    assert (
        msgspec.structs.replace(local_plan, parallelism=cluster_plan.parallelism, network=cluster_plan.network)
        == cluster_plan
    )


@pytest.mark.parametrize("case", WRONG)
def test_what_a_cluster_refuses_is_refused(case: str) -> None:
    spec, _ = WRONG[case]
    options = run_options("-f", "unread.yaml")

    with pytest.raises(UsageError):
        plan_of(
            draft_of(options, {}, Manifest({"name": "wrong", "namespace": "shop"}, spec)),
            IDENTITY,
            access_of(options, {}),
        )


def test_metadata_and_link_local_addresses_are_never_targets_and_loopback_may_be() -> None:
    compiled_plan = plan("light", "--url", URL, "--deny", "10.0.0.0/8", "--allow", "127.0.0.0/8")

    assert compiled_plan.network.allowed == ("127.0.0.0/8",)
    assert compiled_plan.network.denied == (*NEVER_TARGETS, "10.0.0.0/8")
    assert not any(network.startswith("127.") for network in compiled_plan.network.denied)


def test_options_go_before_the_environment_that_before_the_manifest_and_that_before_the_preset(tmp_path: Path) -> None:
    file = manifest(tmp_path, scenario="heavy", load={"batchSize": 7, "virtualUsers": 8, "duration": "9s"})

    compiled_plan = plan("-f", file, "--batch-size", "70", BATCH_SIZE="700", CONCURRENCY="80")

    (step,) = compiled_plan.steps
    assert (step.batch_size, step.virtual_users, step.duration_seconds) == (70, 80, 9)
    assert compiled_plan.name == "mine"


def test_a_number_alone_is_a_duration_in_minutes() -> None:
    assert plan("light", "--url", URL, DURATION="3").steps[0].duration_seconds == 180
    assert plan("light", "--url", URL, "--duration", "1.5").steps[0].duration_seconds == 90
    assert plan("light", "--url", URL, DURATION="90s").steps[0].duration_seconds == 90


def test_variables_of_the_environment_give_way_to_options_that_say_the_same_otherwise() -> None:
    stage_plan = plan("light", "--url", URL, "--stage", "30s:5", DURATION="3", CONCURRENCY="9")
    records_plan = plan("light", "--url", URL, "--records", "5000", DURATION="3")

    assert (stage_plan.steps[0].duration_seconds, stage_plan.steps[0].virtual_users) == (30, 5)
    assert records_plan.steps[0].records == 5000


def test_connections_and_the_time_of_each_part_can_be_set() -> None:
    target = plan(
        *("light", "--url", URL, "--connections", "per-upload", "--file-name", "shop.csv"),
        *("--timeout", "60s", "--connect-timeout", "1s", "--upload-timeout", "20s", "--answer-timeout", "30s"),
    ).target

    assert (target.connections, target.file_name) == ("PerUpload", "shop.csv")
    assert (target.connect_timeout_seconds, target.upload_timeout_seconds, target.answer_timeout_seconds) == (1, 20, 30)


def test_a_login_takes_name_and_password_from_the_environment() -> None:
    target = plan(
        *("light", "--url", URL, "--login-url", "http://127.0.0.1/in/", "--login-field", "email,secret"),
        *("--login-format", "form", "--login-token", "data.key", "--login-expires-in", "data.seconds"),
        LOGIN_USERNAME="me",
        LOGIN_PASSWORD="hidden",
    ).target

    login = target.login
    assert login is not None
    assert (login.url, login.username_field, login.password_field) == ("http://127.0.0.1/in/", "email", "secret")
    assert (login.format, login.token_path, login.expires_in_path) == ("form", "data.key", "data.seconds")
    assert (login.username.variable, login.password.variable) == ("LOGIN_USERNAME", "LOGIN_PASSWORD")


def test_options_of_a_login_change_that_of_a_manifest(tmp_path: Path) -> None:
    auth = {"login": {"url": "http://127.0.0.1/in/", "secretRef": {"name": "me"}, "tokenPath": "token"}}
    file = manifest(tmp_path, scenario="light", target={"url": URL, "auth": auth})

    login = plan("-f", file, "--login-format", "form", LOGIN_USERNAME="me", LOGIN_PASSWORD="hidden").target.login

    assert login is not None
    assert (login.url, login.format, login.token_path) == ("http://127.0.0.1/in/", "form", "token")


def test_a_login_without_its_url_a_name_or_a_field_is_told() -> None:
    login = ("light", "--url", URL, "--login-url", "http://127.0.0.1/in/")

    assert "--login-url is missing" in refusal_of("light", "--url", URL, "--login-token", "token")
    assert "in LOGIN_USERNAME and LOGIN_PASSWORD" in refusal_of(*login, LOGIN_USERNAME="me")
    assert "--login-field is 'email'" in refusal_of(
        *login, "--login-field", "email", LOGIN_USERNAME="me", LOGIN_PASSWORD="x"
    )


def test_a_manifest_is_verified_with_its_largest_batch(tmp_path: Path) -> None:
    options = command_parser().parse_args(["verify", "-f", manifest(tmp_path, scenario="all")])

    compiled_plan = local_verification_of(options, {}).plan

    assert compiled_plan.target.url == URL
    assert max(step.batch_size for step in compiled_plan.steps) == 10_000


def test_advice_names_fields_where_there_is_a_manifest_and_options_where_there_is_none(tmp_path: Path) -> None:
    hint = "Set spec.target.fileField and spec.target.response.count, or lower spec.load.batchSize (spec.target.auth)."

    def told(*arguments: str) -> str:
        return with_advice_words(local_verification_of(command_parser().parse_args(arguments), {}).words, hint)

    by_manifest = told("verify", "-f", manifest(tmp_path, scenario="light"))
    by_both = told("verify", "-f", manifest(tmp_path, scenario="light"), "--file-field", "upload")
    by_options = told("verify", "--url", URL)

    assert "Set spec.target.fileField and spec.target.response.count, or lower spec.load.batchSize" in by_manifest
    # A Secret is read by a cluster alone.
    assert "(spec.target.auth (here --token-file or AUTH_TOKEN))" in by_manifest
    assert "Set --file-field and spec.target.response.count" in by_both
    assert "Set --file-field and --count, or lower --batch-size" in by_options


def test_empty_variables_count_as_none() -> None:
    assert plan("light", "--url", URL, API_URL="", BATCH_SIZE="", AUTH_TOKEN="").steps[0].batch_size == 1000


def test_options_reach_their_fields() -> None:
    compiled_plan = plan(
        *("custom", "--url", URL, "--batch-size", "10", "--stage", "0s:2/s", "--stage", "1m:2.5/s"),
        *("--header", "X-Tenant: a: b", "--form-field", "kind=clients", "--file-field", "upload", "--format", "xlsx"),
        *("--threshold", "p95<20s", "--threshold", "error_rate < 2%", "--require", "echoed", "--timeout", "30s"),
        *("--arrivals", "poisson", "--max-lateness", "5s", "--graceful-stop", "7s", "--warm-up", "3s"),
        *("--host", "shop.example", "--auth-scheme", "Token", "--seed", "42"),
        AUTH_TOKEN="abc",
    )

    (step,) = compiled_plan.steps
    target = compiled_plan.target
    assert step.arrivals is not None
    assert [rate.last_per_second for rate in step.arrivals.rates] == [2.5]
    assert (step.arrivals.process, step.arrivals.max_lateness_seconds) == ("poisson", 5)
    assert (step.graceful_stop_seconds, step.warm_up_seconds) == (7, 3)
    assert step.thresholds == ("p95<20s", "error_rate < 2%")
    assert (target.headers, target.form_fields) == ({"X-Tenant": "a: b"}, {"kind": "clients"})
    assert (target.file_field, target.format, target.timeout_seconds) == ("upload", "xlsx", 30)
    assert (target.host, target.auth_scheme) == ("shop.example", "Token")
    assert target.token is not None
    assert (target.token.variable, target.token.file) == ("AUTH_TOKEN", None)
    assert (compiled_plan.require, compiled_plan.records.seed) == ("Echoed", 42)


def test_a_read_back_is_taken_from_the_command_line() -> None:
    compiled_plan = plan(
        *(
            "light",
            "--url",
            URL,
            "--require",
            "Proven",
            "--read-back",
            "http://127.0.0.1:8000/c/?client_id={client_id}",
        ),
        *("--read-back-count", "count", "--read-back-control", "C-1"),
    )

    assert compiled_plan.read_back is not None
    assert compiled_plan.read_back.control_client_id == "C-1"


def test_bounds_that_abort_are_taken_from_the_command_line() -> None:
    compiled_plan = plan(
        "light", "--url", URL, "--abort", "error_rate<5%", "--abort", "p95 < 9s", "--abort-after", "3s"
    )

    assert compiled_plan.abort is not None
    assert (compiled_plan.abort.thresholds, compiled_plan.abort.after_seconds) == (("error_rate<5%", "p95 < 9s"), 3)


def test_every_run_has_a_run_id_and_records_of_its_own() -> None:
    first_plan, second_plan = plan("light", "--url", URL), plan("light", "--url", URL)

    assert first_plan.run_id.startswith("local-")
    assert first_plan.records.run_tag != second_plan.records.run_tag


@pytest.mark.parametrize(
    ("arguments", "variables", "message"),
    [
        ((), {}, "name a scenario (light, medium, heavy, stress, all, custom or capacity) or a manifest"),
        (("light",), {}, "--url is missing"),
        (("light",), {"API_URL": "clients"}, "API_URL must be an http or https URL with a host"),
        (("light",), {"API_URL": URL, "BATCH_SIZE": "0"}, "BATCH_SIZE is 0; write a number of at least 1"),
        (("light",), {"API_URL": URL, "BATCH_SIZE": "1e3"}, "BATCH_SIZE is '1e3'; write a whole number"),
        (("light",), {"API_URL": URL, "CONCURRENCY": "-1"}, "CONCURRENCY is -1;"),
        (("light",), {"API_URL": URL, "DURATION": "soon"}, "DURATION is 'soon'; write a number with a unit"),
        (("light",), {"API_URL": URL, "DURATION": "3000"}, "DURATION must lie between 1s and 24h; it is '3000m'"),
        (("custom", "--url", URL), {}, "--batch-size is required for scenario custom"),
        (("light", "--url", URL, "--stage", "30s"), {}, "--stage is '30s'; write TIME:USERS"),
        (("light", "--url", URL, "--stage", "30s:x"), {}, "the number in --stage 30s:x is 'x'"),
        (("light", "--url", URL, "--stage", "30s:x/s"), {}, "--stage is 'x/s'; write a number of uploads a second"),
        (("light", "--url", URL, "--stage", "30s:1", "--duration", "1m"), {}, "--stage cannot stand beside --duration"),
        (("light", "--url", URL, "--arrival-rate", "fast"), {}, "--arrival-rate is 'fast/s'"),
        (
            ("light", "--url", URL, "--threshold", "p95<20"),
            {},
            "bounds p95 by 20: the unit is missing; write a time, such as 20s or 500ms",
        ),
        (("light", "--url", URL, "--threshold", "p97<20s"), {}, "--threshold: threshold 'p97<20s' bounds no known"),
        (("light", "--url", URL, "--threshold", "eror_rate<1%"), {}, "did you mean error_rate?"),
        (("light", "--url", URL, "--abort", "p95 20s"), {}, "--abort: threshold 'p95 20s' is not of the form"),
        (("light", "--url", URL, "--header", "Host: a"), {}, "--header must not set"),
        (("light", "--url", URL, "--require", "proven"), {}, "--read-back"),
        (("light", "--url", URL, "--warm-up", "3m"), {}, "--warm-up is 3m, but the load of step light lasts 120 s"),
        (("light", "--url", URL, "--client-cert", __file__), {}, "--client-cert and --client-key come together"),
        (("light", "--url", URL, "--ca-file", "/nowhere/ca.pem"), {}, "--ca-file is /nowhere/ca.pem, which cannot be"),
        (("light", "--url", URL, "--ca-file", __file__), {}, "https"),
        (("light", "--url", URL, "--read-back-control", "C-1"), {}, "--read-back"),
    ],
)
def test_what_is_wrong_is_told_in_the_words_of_who_typed_it(
    arguments: tuple[str, ...], variables: dict[str, str], message: str
) -> None:
    assert message in refusal_of(*arguments, **variables)


def test_several_faults_are_told_at_once() -> None:
    message = refusal_of("light", "--url", "ftp://a/", "--header", "Host: a", "--duration", "100h")

    assert len(message.splitlines()) == 3


def test_a_variable_beside_the_stages_of_a_manifest_is_refused_like_a_field_beside_them(tmp_path: Path) -> None:
    file = manifest(tmp_path, load={"batchSize": 7, "stages": [{"duration": "9s", "virtualUsers": 1}]})

    assert "spec.load.stages cannot stand beside DURATION" in refusal_of("-f", file, DURATION="3")


def test_what_contradicts_a_climb_is_named_alone_with_what_to_do(tmp_path: Path) -> None:
    prefix = "scenario capacity takes its load from spec.load.capacity, or from the defaults of that: remove "
    one = manifest(tmp_path, load={"batchSize": 7, "duration": "9s"})
    assert refusal_of("capacity", "-f", one) == f"{prefix}spec.load.duration"

    three = manifest(tmp_path, load={"batchSize": 7, "duration": "9s", "virtualUsers": 2, "arrivalRate": 3})
    named = ("spec.load.duration", "spec.load.arrivalRate", "spec.load.virtualUsers")
    lines = [line.strip() for line in refusal_of("capacity", "-f", three).splitlines()]
    assert lines[:3] == [f"{prefix}{name}" for name in named]
    assert refusal_of("capacity", "--url", URL, DURATION="3").endswith("remove DURATION")


def test_null_counts_as_nothing_in_a_manifest_but_for_a_field_that_there_is_not(tmp_path: Path) -> None:
    target = {"url": URL, "fileField": None, "headers": {"X-A": None, "X-B": "1"}, "timeouts": {"connect": None}}
    target_plan = plan("-f", manifest(tmp_path, scenario="light", target=target, load=None, abort=None)).target
    message = refusal_of("-f", manifest(tmp_path, scenario="light", target={"url": URL, "fileFeild": None}))

    assert (target_plan.file_field, target_plan.headers) == ("file", {"X-B": "1"})
    assert target_plan.connect_timeout_seconds == 10
    assert "there is no field fileFeild" in message


def test_a_line_break_at_the_end_of_a_text_is_part_of_it(tmp_path: Path) -> None:
    message = refusal_of("-f", manifest(tmp_path, scenario="light", target={"url": URL, "fileName": "a.csv\n"}))

    assert message == "spec.target.fileName is 'a.csv\\n'; write a text without quotes and control characters"


def test_headers_take_secret_values_from_the_environment(tmp_path: Path) -> None:
    key = {"name": "Load-Test-Token", "secretKeyRef": {"name": "guard"}}
    file = manifest(tmp_path, scenario="light", target={"url": URL, "headersFrom": [key]})
    words = ("--header-env", "load-test-token: GUARD")

    assert plan("light", "--url", URL, *words, GUARD="s3cret").target.secret_headers == {
        "load-test-token": SecretPlace(variable="GUARD")
    }
    assert plan("-f", file, *words, GUARD="s3cret").target.secret_headers == {
        "load-test-token": SecretPlace(variable="GUARD")
    }
    assert "headers by --header-env" in refusal_of("-f", file)
    assert "from GUARD, which is not set" in refusal_of("-f", file, *words)
    assert "write NAME:VARIABLE" in refusal_of("light", "--url", URL, "--header-env", "GUARD")
    message = refusal_of("light", "--url", URL, "--header-env", "Authorization: GUARD", GUARD="s3cret")
    assert message.startswith("--header-env must not set")
    assert "s3cret" not in message


def test_a_text_of_the_wrong_form_is_told_the_form(tmp_path: Path) -> None:
    message = refusal_of("-f", manifest(tmp_path, scenario="light", target={"url": URL, "host": "a b"}))

    assert message.startswith("spec.target.host is 'a b'; write a text that matches '^([A-Za-z0-9]")
    assert message.endswith("?$'")


def test_the_secret_of_a_manifest_is_asked_for_here(tmp_path: Path) -> None:
    auth = {"secretKeyRef": {"name": "shop-token"}}
    file = manifest(tmp_path, scenario="light", target={"url": URL, "auth": {**auth, "scheme": "Token"}})

    message = refusal_of("-f", file)
    compiled_plan = plan("-f", file, AUTH_TOKEN="abc")

    assert "spec.target.auth.secretKeyRef" in message
    assert "--token-file or AUTH_TOKEN" in message
    assert compiled_plan.target.auth_scheme == "Token"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("kind: Pod", "holds no objects of kind LoadTest"),
        ("kind: LoadTest\n---\nkind: LoadTest", "holds 2 objects"),
        ("kind: LoadTest\napiVersion: v1", "apiVersion is 'v1'"),
        ("kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: ../a}", "metadata.name is '../a'"),
        ("kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: a}", "spec is missing"),
        (
            "kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: a}\n"
            "spec: {scenario: light, target: {url: 'http://a/', urll: 1}}",
            "spec.target: there is no field urll; did you mean url?",
        ),
        (
            "kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: a}\n"
            "spec: {scenario: light, target: {url: 'http://a/'}, targets: 1}",
            "spec: there is no field targets; did you mean target?",
        ),
        (
            "kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: a}\n"
            "spec: {scenario: hevy, target: {url: 'http://a/'}}",
            "spec.scenario is 'hevy'; write one of 'all', 'capacity', 'custom'",
        ),
        (
            "kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: a}\n"
            "spec: {scenario: light, target: {url: 'http://a/', headers: {X-A: 1}}}",
            "spec.target.headers['X-A'] is 1; a text is expected, so put it in quotes",
        ),
        (
            "kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: a}\n"
            "spec: {scenario: light, target: {url: 'http://a/'}, records: {fields: {add: ["
            "{name: a, kind: choice, values: [x]}, {name: b, kind: choice, values: [maybe, yes]}]}}}",
            "spec.records.fields.add[1].values[1] is true; a text is expected, so put it in quotes (without",
        ),
        (
            "kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: a}\n"
            "spec: {scenario: light, target: {url: 'http://a/'}, records: {fields: {add: ["
            "{name: a, kind: choice, values: [1.5]}]}}}",
            "spec.records.fields.add[0].values[0] is 1.5; a text is expected, so put it in quotes",
        ),
        (
            "kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: a}\n"
            "spec: {scenario: light, target: {url: 'http://a/'}, records: {fields: {add: ["
            "{name: a, kind: choice, vlues: [x]}]}}}",
            "spec.records.fields.add[0]: there is no field vlues; did you mean values or value?",
        ),
        (
            "kind: LoadTest\napiVersion: x-load-test.dev/v1alpha1\nmetadata: {name: a}\n"
            "spec: {scenario: custom, target: {url: 'http://a/'}, load: {batchSize: 1, stages: [{duration: 90}]}}",
            "spec.load.stages[0].duration is 90; write a number with a unit, such as 90s, 5m or 1m30s",
        ),
    ],
)
def test_a_manifest_that_cannot_be_used_is_told_apart(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "loadtest.yaml"
    path.write_text(text)

    assert message in refusal_of("-f", str(path))
