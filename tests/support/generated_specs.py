"""Specs near the rules on them: valid ones, and ones that break one or several rules.

An assignment gives values to one or more fields, each named by its dotted path. The generator shuffles all assignments
and distributes them over the specs, so that each assignment is used once. The same seed gives the same specs.
"""

import copy
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from loadtest_model.spec.fields import FIELD_KINDS

Json = dict[str, Any]
Assignment = dict[str, Any]

_VALID: Final[Json] = {"target": {"url": "http://clients:8000/"}, "scenario": "light"}
# The required fields of an object that an assignment creates.
_REQUIRED: Final[dict[str, Json]] = {
    "target.auth.login": {"url": "http://clients/in/", "secretRef": {"name": "robot"}},
    "verification.readBack": {"url": "http://clients/count/", "countPath": "count"},
    "abort": {"thresholds": ["p95 < 20s"]},
}

URLS: Final = (
    *("http://clients/", "HTTPS://Clients.Shop.svc:8443/u/?a=%zz&b", "http://clients:65535", "http://clients:/?x"),
    *("http://clients:00080/", "http://[fd00::7]:8000/", "http://[::ffff:10.0.0.5]/", "http://10.0.0.07/", "http://-/"),
    *("http://clients/{client_id}", 'http://clients/%C3%A9/é<>|^`"[]', "http://clients.shop.svc.cluster.local./"),
    *("clients", "//clients/", "/clients", "http:clients", "http:///x", "http://?x", "ftp://clients/", "http://"),
    *("http://clients:0/", "http://clients:65536/", "http://clients:000080/", "http://clients:99999999999999999999/"),
    *("http://u:p@clients/", "http://u:p@clients:0/", "http://clients/#x", "http://clients#x", "http://clients/a b"),
    *("http://cli ents/", " http://clients/", "http://clients/ ", "http://clients\n/", "http://clients/\n", "@# "),
    *("http://clients:+80/", "http://clients:8a/", "http://a:80:80/", "http://::1/", "http://[::1]x/", "http://[::1/"),
    *("http://[1.2.3.4]/", "http://[:::]/", "http://[]:99999/", "http://[::1%25eth0]/", "http://[v1.a]/"),
    *("http://clients\\@example.com/", "http://clients\\x/", "http://clients/\\", "http://clients/?\\", "http://c|/"),
    *("http://é/", "http://a\u3002example/", "http://a\uff0fx/", "http://a%C3%A9/", "http://a%41/", "http://a{b}/"),
    *("http://a<b:0/", 'http://a"b/', "http://a,b/", "http://a~b/", "http://a*/", "http://(a)/", "http://a+b=c;d/"),
    *("http://clients/%zz", "http://clients/%4", "http://clients/?%", "http://clients/\x7f", "http://clients/\x00"),
)
_OTHER_URL_FIELDS: Final = (
    *("target.auth.login.url", "target.metricsUrl", "verification.readBack.url"),
    "verification.readBack.control.url",
)
_TIMES: Final = (
    *("0s", "0.0000000001s", "9ms", "9.9999999ms", "10ms", "999.999999ms", "999.9999999999ms", "1s", "10m"),
    *("10m0.001s", "10m0.0000000001s"),
    *("59m59.9999999999s", "1h", "1h0.0000000001s", "1h0.000000001s", "24h", "24.0001h", "1440m1ms", "9999999h"),
)
_HOSTS: Final = (
    *("shop.example", "shop:1", "shop:65535", "[fd00::7]:8000", "[::ffff:10.0.0.7]", "10.0.0.7:80", "a..b", "a_.-b:1"),
    *("a:65536", "a:99999", "[fd00::7]:70000", "[:::]", "[1.2.3.4]", "[12345::]:80", "[::1]:65535", "xn--a:80"),
)
_HEADERS: Final = (
    *("X-Tenant", "x_tenant", "!#$%&'*+.^_`|~-", "X-Load", "Hosts", "a" * 128, "Content", "Proxy-Authenticate"),
    *("", "X A", "X-A\n", "é", "a" * 129, 'X"', "X-A\r\nX-Load-Test"),
    *("X-Load-Test", "x_load-TEST-nonce", "HOST", "Authorization", "content-LENGTH", "Content_Type", "Connection"),
    *("TE", "Transfer-Encoding", "accept_encoding", "Keep-Alive", "\u212aeep-Alive", "Expect", "Proxy-Authorization"),
)


def _secret_header(name: str) -> Json:
    return {"name": name, "secretKeyRef": {"name": "s"}}


_STAGES: Final[tuple[list[Json], ...]] = (
    [{"duration": "1m", "virtualUsers": 2}, {"duration": "0s", "virtualUsers": 0}],
    [{"duration": "1m", "arrivalRate": 2}],
    [{"duration": "1m", "virtualUsers": 2}, {"duration": "1m", "arrivalRate": 2}],
    [{"duration": "1m", "virtualUsers": 2, "arrivalRate": 2}],
    [{"duration": "1m"}],
    [{"duration": "1m"}, {"duration": "1m", "arrivalRate": 2}],
    [{"duration": "1m", "virtualUsers": 0}, {"duration": "999ms", "virtualUsers": 3}],
    [{"duration": "1s", "arrivalRate": 0}, {"duration": "999ms", "arrivalRate": 0.5}],
    [{"duration": "9999999h", "virtualUsers": 1}],
    [{"duration": "9999999h", "virtualUsers": 1}, {"duration": "1s", "virtualUsers": 1}],
    [{"duration": "2562047h", "virtualUsers": 1}, {"duration": "2562047h", "virtualUsers": 1}],
    [{"duration": "12h", "virtualUsers": 1}, {"duration": "12h", "virtualUsers": 2}],
    [
        {"duration": "12h", "arrivalRate": 1},
        {"duration": "12h", "arrivalRate": 2},
        {"duration": "1ms", "arrivalRate": 0},
    ],
)
_BOUNDS: Final = (
    *("p95 < 20s", "light.p95<=1.5m", "stress.error_rate  >  1.5%", "error_rate < 0.01", "accepted >= 10", "max<1ms"),
    *("p95 < 20", "p95 < 20%", "accepted < 1s", "latency < 1s", "tiny.p95 < 1s", "p95 == 1s", "p95 < 1s ", "p95 < .5s"),
    *("p95 < 20s\n", "", "P95 < 1s", "error_rate < 1%%", "p95 > 20s", "heavy.max>=1m", "p95 > 20", "avg > 1%"),
    *("error_rate > 1%", "success_rate < 99%", "timeouts >= 1", "success_rate >= 100%", "rejected > 1", "accepted < 9"),
    *("error_rate < 5", "error_rate <= 100.5%", "success_rate > 1", "success_rate > 100.0%", "error_rate <= 1.0"),
    *("error_rate < 0%", "p95 < 0s", "dropped <= 0", "rejected < 0.0", "error_rate < 99.99%", "success_rate > 0.99"),
    *("connect_max > 1s", "error_rate <= 101%", "light.error_rate < 1.01", "records_per_second < 0.5"),
    *("p95 < baseline + 10%", "heavy.avg<=baseline+2.5%", "records_per_second > baseline - 10%", "p95 < baseline"),
    *("error_rate < baseline + 0.5%", "error_rate > baseline - 1%", "p95 < baseline - 10%", "p95 < baseline + 10"),
    *("max < baseline + 10%", "success_rate > baseline - 1%", "bytes_per_second >= baseline - 100%", "p95 < base"),
)
_PARAMETERS: Final[Json] = {
    "width": 8,
    "prefix": "A",
    "characters": "digits",
    "provider": "company",
    "arguments": {"a": 1},
    "values": ["a", "b"],
    "weights": [1],
    "min": 1,
    "max": 2.5,
    "places": 1,
    "earliest": "2020-01-31",
    "latest": "2020-02-28T00:00:00Z",
    "format": "%d.%m.%Y",
    "pattern": "##-?",
    "unique": True,
    "value": "x",
    "template": "{email}",
}
_CONTROLS: Final[tuple[Json, ...]] = (
    {},
    {"clientId": "C-1"},
    {"url": "http://clients/count/"},
    {"clientId": "C-1", "url": "http://clients/count/"},
    {"value": "SKU 1"},
    {"value": "SKU-1", "clientId": "C-1"},
    {"value": "SKU-1", "clientId": "C-1", "url": "http://clients/count/"},
)
_LOGIN: Final[Json] = _REQUIRED["target.auth.login"]


_CLIMBS: Final[tuple[Json, ...]] = (
    {},
    {"batchSize": 10, "capacity": {}},
    {"capacity": {"from": 2, "to": 50, "factor": 2, "required": 7}},
    {"capacity": {"from": 5, "to": 5}},
    {"capacity": {"from": 1.5}},
    {"capacity": {"required": 2.5}},
    {"capacity": {"to": 10_001}},
    {"capacity": {"required": 101}},
    {"capacity": {"by": "arrivalRate", "from": 0.5, "to": 20.5, "required": 0.75}},
    {"capacity": {"by": "arrivalRate", "from": 0.5, "required": 0.25}},
    {"capacity": {"by": "arrivalRate"}, "virtualUsers": 5, "arrivals": "poisson"},
    {"capacity": {"by": "arrivalRate"}, "thinkTime": "1s"},
    {"capacity": {"by": "virtualUsers"}, "thinkTime": "1s"},
    {"capacity": {}, "arrivals": "constant"},
    {"capacity": {}, "virtualUsers": 5},
    {"duration": "1m"},
    {"records": 1_000},
    {"stages": _STAGES[0]},
    {"arrivalRate": 2},
)


def _assign(path: str, *values: Any) -> list[Assignment]:
    return [{path: value} for value in values]


def _column(**parameters: Any) -> list[Json]:
    return [{"name": "x", **parameters}]


def _columns() -> list[Assignment]:
    """Each kind with all its parameters, without each one of them, and with a parameter of another kind."""
    assignments = []
    for index, (kind, (needed, possible)) in enumerate(FIELD_KINDS.items()):
        parameters = {name: _PARAMETERS[name] for name in (*needed, *possible)}
        others = [name for name in _PARAMETERS if name not in parameters]
        without = [
            {name: each for name, each in parameters.items() if name != omitted_name} for omitted_name in parameters
        ]
        assignments += _assign("records.fields.add", _column(kind=kind, **parameters))
        assignments += _assign("records.fields.add", *(_column(kind=kind, **parameters) for parameters in without))
        assignments += _assign(
            "records.fields.add",
            *(_column(kind=kind, **parameters, **{n: _PARAMETERS[n]}) for n in others[index % 3 :: 3]),
        )
    return assignments


NEAR_RULES: Final = (
    *_assign("target.url", *URLS),
    *(each for index, field in enumerate(_OTHER_URL_FIELDS) for each in _assign(field, *URLS[index::6])),
    *(
        each
        for field in _OTHER_URL_FIELDS
        for each in _assign(
            field, "https://clients:8443/{client_id}", "clients", "http://clients:0/", "http://u@clients/"
        )
    ),
    *_assign("scenario", "custom", "custom", "custom", "all", "all"),
    *_assign("load.batchSize", 1, 100, 100),
    *_assign("load.duration", *_TIMES),
    *_assign("load.records", 1, 1000, 1000),
    *_assign("load.arrivalRate", 0, 0.0, 0.5, 2, -1, 1e-9),
    *_assign("load.arrivals", "constant", "poisson"),
    *_assign("load.maxLateness", "1s", "0s", "99.9999ms", "100ms", "24h", "24.0001h", "9999999h"),
    *({"load.arrivalRate": 2, "load.maxLateness": time} for time in _TIMES),
    *_assign("load.warmUp", *_TIMES),
    *_assign("abort.after", *_TIMES),
    *_assign("load.thinkTime", *_TIMES),
    *_assign("load.gracefulStop", *_TIMES),
    *_assign("load.virtualUsers", 1, 2, 3, 10),
    *_assign("load.stages", *_STAGES, *_STAGES),
    *({"scenario": "capacity", "load": load} for load in _CLIMBS),
    *({"scenario": name, "load.capacity": {}} for name in ("light", "capacity")),
    {"scenario": "capacity", "load.capacity": {}, "thresholds": ["p95 < 2s", "p95 < baseline + 10%"]},
    *_assign("baseline.runs", 1, 20),
    *({"scenario": "capacity", "load.capacity.plateau": time} for time in (*_TIMES, "4.999s", "5s", "1h")),
    *_assign("parallelism", 1, 2, 3, 10),
    *({"parallelism": pods, "load.virtualUsers": 2} for pods in (2, 3)),
    *({"scenario": name, "load.records": 1000} for name in ("light", "all")),
    *({"scenario": "custom", "load": load} for load in ({}, {"batchSize": 1}, {"batchSize": 1, "duration": "1s"})),
    *({"load.records": 1000, "load.duration": length} for length in ("1s", "1m")),
    *({"load.arrivalRate": 2, "load.thinkTime": pause} for pause in ("0s", "0.0000000001s", "1ms")),
    *({"load.arrivalRate": 2, **more} for more in ({"load.arrivals": "poisson"}, {"load.maxLateness": "1s"})),
    *({"load.stages": _STAGES[kind], "load.virtualUsers": 1} for kind in (0, 1, 2)),
    *({"load.stages": _STAGES[kind], "load.thinkTime": "1s"} for kind in (0, 1, 2)),
    *({"target.timeout": "1m", "load.gracefulStop": time} for time in ("59s", "1m", "60.000000001s")),
    *({"target.url": url, "target.tls": {}} for url in ("http://clients/", "https://clients/", "HttpS://clients/")),
    *({"target.fileField": "a", "target.formFields": {name: "1"}} for name in ("a", "b", "file")),
    *_assign("target.host", *_HOSTS),
    *_assign("target.timeout", *_TIMES),
    *(
        each
        for verdict in ("passed", "failed", "inconclusive")
        for each in _assign(f"results.ttl.{verdict}", "0s", "24h", "87600h", "87600h1ms")
    ),
    *(each for part in ("connect", "upload", "answer") for each in _assign(f"target.timeouts.{part}", *_TIMES)),
    *_assign("target.headers", *({name: "1"} for name in _HEADERS), {"X-A": "1", "Host": "x", "X B": "2"}),
    *_assign("target.headersFrom", *([_secret_header(name)] for name in _HEADERS if len(name) > 0)),
    *_assign("target.headersFrom", [_secret_header("X-A"), _secret_header("x_a")], [_secret_header("X-A")] * 2),
    *_assign("target.headersFrom", [_secret_header(f"X-{number}") for number in range(4)]),
    *(
        {"target.headersFrom": [_secret_header("X-B"), _secret_header("X-A")], "target.headers": {name: "1"}}
        for name in ("x_a", "X-a", "X-C")
    ),
    {"target.headersFrom": [_secret_header("TRACEPARENT")], "target.tracing": {"sampleRatio": 0.5}},
    *_assign("target.fileField", "upload", "file"),
    *_assign("target.formFields", {"file": "1"}, {"upload": "1"}, {"a": ""}, {"": "1"}, {"a" * 129: "1"}, {"a\n": "1"}),
    *_assign("target.formFields", {'a"': "1"}, {"a\x7f": "1", "b": "2"}, {"é '": "1"}, {"a" * 128: "1"}),
    *_assign("target.response.marker", "success", "data.success", "successes", "success.flag", "a_success"),
    *_assign("target.auth", {}, {"secretKeyRef": {"name": "t"}}, {"secretKeyRef": {"name": "t"}, "login": _LOGIN}),
    *_assign("target.tracing", {"sampleRatio": 0}, {"sampleRatio": 0.1}, {"sampleRatio": 1}),
    *(
        {"target.tracing": {"sampleRatio": 0.5}, "target.headers": {name: "1"}}
        for name in ("traceparent", "TraceParent", "trace-parent", "trace_parent", "tracestate")
    ),
    *_assign("target.headers", {"Traceparent": "1"}),
    *_assign("target.tls", {}, {"serverName": "shop"}, {"caSecretKeyRef": {"name": "a"}}),
    *_assign("target.tls", {"caSecretKeyRef": {"name": "a"}, "caConfigMapKeyRef": {"name": "b"}}),
    *_assign(
        "verification", {"require": "Proven"}, {"require": "Proven", "readBack": _REQUIRED["verification.readBack"]}
    ),
    *_assign("verification.readBack.control", *_CONTROLS, *_CONTROLS),
    *_assign("verification.readBack", {"url": "http://clients/?{client_id}"}, {"url": "http://clients/count/"}),
    *_assign("verification.readBack", {"url": "http://clients/{client_id}", "control": {"clientId": "C-1"}}),
    *_assign("verification.readBack", {"url": "http://clients/?{sku%20code}", "control": {"value": "C 1"}}),
    *_assign("verification.readBack", {"url": "http://clients/{}", "countPath": "c"}, {"url": "http://clients/{a"}),
    *_assign("verification.readBack", {"url": "http://clients/", "countPath": "c", "control": {"value": "C 1"}}),
    *_assign("records.fields.only", [], ["email"]),
    *_assign("records.fields", {"only": [], "drop": []}, {"only": ["email"], "drop": ["phone"]}),
    *_assign("records.fields.add", _column(kind="boolean", values=["yes"]), _column(kind="boolean", values=["a"] * 3)),
    *_assign("records.dialect", {"cells": "typed"}, {"cells": "text"}),
    *_assign("verification.readBack", {"url": "http://clients/{client_id}", "control": {"url": "http://clients/"}}),
    *_assign("verification.readBack", {"url": "http://clients/", "countPath": "c", "control": {"clientId": "C-1"}}),
    *_assign("verification.readBack.headers", *({name: "1"} for name in _HEADERS)),
    *_assign("verification.readBack.settle", *_TIMES),
    *_assign("verification.readBack.timeout", *_TIMES),
    *_assign("thresholds", *([bound] for bound in _BOUNDS), ["p95 < 20s", "p95"], []),
    *_assign("abort.thresholds", *([bound] for bound in _BOUNDS)),
    *_assign("records.dialect", {"bom": True, "encoding": "cp1252"}, {"bom": True}, {"encoding": "cp1252"}),
    *_columns(),
    *_assign("records.invalid", {"share": 0}, {"share": 1e-7}, {"share": 1e-6}, {"share": 0.5}),
    *_assign("pod.labels", {"x-load-test.dev/uid": "1"}, {"x-load-test.dev": "1"}, {"example.com/team": "a"}),
    *_assign("pod.annotations", {"a": "1", "x-load-test.dev/uid": "1"}, {"X-load-test.dev/a": "1"}),
    *_assign("runId", "1", "v1.2.3", "2026.11.29", "Release_7", "A", "a" * 63),
    *(
        each
        for amounts in (
            {"cpu": "500m", "memory": "1.5Gi", "ephemeral-storage": 1_000},
            {"cpu": "+.5", "memory": "1e9", "example.com/slot": 2},
            {"example.com/slot": "2"},
            {"example.com/slot": "2.5"},
            {"example.com/slot": "2Ki"},
            {"cpus": 1},
            {"requests.example.com/slot": 1},
            {"example.com/": 1},
            {"Example.com/slot": 1},
        )
        for each in (*_assign("pod.resources.requests", amounts), *_assign("pod.resources.limits", amounts))
    ),
    *(
        {"pod.resources.requests": {name: asked}, "pod.resources.limits": {name: bound}}
        for name, asked, bound in (
            *(("cpu", "1001m", 1), ("cpu", "1000m", 1), ("memory", "1Gi", "1G"), ("memory", "1G", "1Gi")),
            *(("memory", "1e9", "1G"), ("memory", "1E", "1e18"), ("ephemeral-storage", "2Ki", 2_047)),
            *(("example.com/slot", 2, 2), ("example.com/slot", 1, 2), ("example.com/slot", "2", 2)),
        )
    ),
    *(
        each
        for ip in ("10.0.0.7", "fd00::7", "::ffff:10.0.0.7", "fe80::1%eth0", "10.0.0.07", "10.0.0.300", "::", "a.b")
        for each in _assign("pod.hostAliases", [{"ip": ip, "hostnames": ["staging.example.com"]}])
    ),
    *(
        each
        for name in ("clients.shop.svc", "clients.svc.example.com", "a.svcs", "svc.example.com")
        for each in _assign("pod.hostAliases", [{"ip": "10.0.0.7", "hostnames": ["staging.example.com", name]}])
    ),
)
"""Values on both sides of each rule."""

UNREADABLE: Final = (
    *_assign("scenario", "huge", None, 1),
    *_assign("parallelism", 0, 1001, "2", 1.5, True),
    *_assign("runId", "a\n", "v1.2.3-", ".1", "a b", "a/b", "é", "a" * 64, ""),
    *_assign("load.duration", "90", "1m\n", "-1s", "1d", "", " 1s", "1s" * 11),
    *_assign("load.batchSize", 0, 1_000_001),
    *_assign("load.arrivalRate", 100_001, "2"),
    *_assign("load.arrivals", "often"),
    *_assign("load.capacity", {"by": "users"}, {"from": 0}, {"factor": 1}, {"plateau": "30"}, {"required": "7"}),
    *_assign("load.stages", [], [{"virtualUsers": 1}], [{"duration": "1s", "users": 1}]),
    *_assign("target.url", "", None, "http://clients/" + "a" * 2048),
    *_assign("target.host", "shop.example\n", "shop.example/x", "shop:0", ""),
    *_assign("target.headers", {"X-A": "1\n"}, {"X-A": "é"}, {"X-A": 1}),
    *_assign("target.fileName", "a\n", 'a"b', ""),
    *_assign("target.response.marker", "a..b", "a\n", ""),
    *_assign("target.auth.login", {"url": "http://clients/"}, {"secretRef": {"name": "robot"}}),
    *_assign("target.tracing", {}, {"sampleRatio": -0.1}, {"sampleRatio": 1.1}, {"sampleRatio": "1"}),
    *_assign("target.tls", {"serverName": "a b"}, {"serverName": "shop\n"}),
    *_assign("verification.readBack", {"countPath": "a"}),
    *_assign("verification.readBack.control", {"clientId": "a\n"}, {"clientId": "a b"}),
    *_assign("thresholds", ["p95 < 1s"] * 33, "p95 < 1s", [None]),
    *_assign("abort", {}, {"thresholds": []}),
    *_assign("records.fields.add", _column(), _column(kind="constant", value="a\x00")),
    *_assign("records.fields.add", _column(kind="date", earliest="2020-01-01\n", latest="2020-01-01")),
    *_assign("records.dialect", {"delimiter": "::"}, {"dateFormat": "%H"}, {"dateFormat": "%Y\n"}),
    *_assign("records.dialect", {"cells": "formula"}),
    *_assign("records.fields.add", _column(kind="pattern", pattern=""), _column(kind="pattern", pattern=1)),
    *_assign("records.fields.only", "email", ["a" * 65]),
    *_assign("verification.readBack.control", {"value": "a\n"}, {"value": ""}),
    *_assign("records.invalid", {}, {"share": 0.6}, {"share": "0.1"}, {"share": 0.1, "kinds": []}),
    *_assign("pod.labels", {"a": "a b"}, {"a": "a\n"}),
    *_assign("pod.hostAliases", [{"ip": "10.0.0.7", "hostnames": ["clients"]}], [{"ip": "10.0.0.7"}]),
    *_assign("pod.containers", []),
    *(
        each
        for amount in ("1 Gi", "500mi", "2K", "1gb", "-1", "ten", "", ".", "1.2.3", "0x10", "1Gi\n", -1, 1.5)
        for each in _assign("pod.resources.limits", {"memory": amount})
    ),
)
"""Values that a type or a bound refuses."""


def specs(seed: int = 1) -> Iterator[Json]:
    """About 250 specs whose fields have the right types and lie within their bounds."""
    random = Random(seed)
    remaining = random.sample(NEAR_RULES, len(NEAR_RULES))
    while remaining:
        max_count = random.choice((1, 1, 2, 3, 5))
        assignments: list[Assignment] = []
        postponed: list[Assignment] = []
        for assignment in remaining:
            is_compatible = len(assignments) < max_count and not any(
                _overlap(assignment, other) for other in assignments
            )
            (assignments if is_compatible else postponed).append(assignment)
        remaining = postponed
        yield _spec(assignments)


def unreadable_specs(seed: int = 1) -> Iterator[Json]:
    """A spec for each value that a type or a bound refuses. Some of them break a rule as well."""
    random = Random(seed)
    for assignment in UNREADABLE:
        beside = next(other for other in random.sample(NEAR_RULES, len(NEAR_RULES)) if not _overlap(assignment, other))
        yield _spec([beside, assignment])


def _overlap(one: Assignment, other: Assignment) -> bool:
    """Whether two assignments concern the same field, or a field and its parent."""
    pairs = [(f"{path}.", f"{beside}.") for path in one for beside in other]
    return any(path.startswith(beside) or beside.startswith(path) for path, beside in pairs)


def _spec(assignments: list[Assignment]) -> Json:
    spec = copy.deepcopy(_VALID)
    for path, value in (field for each in assignments for field in each.items()):
        *parents, name = path.split(".")
        node, above = spec, ""
        for parent in parents:
            above = f"{above}.{parent}".removeprefix(".")
            node = node.setdefault(parent, copy.deepcopy(_REQUIRED.get(above, {})))
        node[name] = copy.deepcopy(value)
    return spec
