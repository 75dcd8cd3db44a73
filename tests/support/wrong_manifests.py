"""Specs that are refused when they are applied: what is wrong, the spec, and what the refusal names."""

from typing import Any, Final

URL = "http://clients:8000/clients/upload/process/"

COUNT_URL = "http://clients:8000/clients/count/"
LOOK_UP_URL = f"{COUNT_URL}?client_id={{client_id}}"


def _with_read_back(**read_back: Any) -> dict[str, Any]:
    return {"target": {"url": URL}, "scenario": "light", "verification": {"readBack": read_back}}


def _with_records(**records: Any) -> dict[str, Any]:
    return {"target": {"url": URL}, "scenario": "light", "records": records}


def _with_load(**load: Any) -> dict[str, Any]:
    return {"target": {"url": URL}, "scenario": "light", "load": load}


def _with_pod(**pod: Any) -> dict[str, Any]:
    return {"target": {"url": URL}, "scenario": "light", "pod": pod}


def _with_field(**field: Any) -> dict[str, Any]:
    return _with_records(fields={"add": [{"name": "x", **field}]})


WRONG: Final[dict[str, tuple[dict[str, Any], str]]] = {
    "no target": ({"scenario": "light"}, "spec.target"),
    "an unknown scenario": ({"target": {"url": URL}, "scenario": "huge"}, "spec.scenario"),
    "a URL that is none": ({"target": {"url": "clients"}, "scenario": "light"}, "spec.target.url"),
    "a scheme that is not HTTP": ({"target": {"url": "ftp://clients/x"}, "scenario": "light"}, "spec.target.url"),
    "credentials in the URL": ({"target": {"url": "http://u:p@clients/"}, "scenario": "light"}, "credentials"),
    "a custom test without a batch size": (
        {"target": {"url": URL}, "scenario": "custom", "load": {"duration": "1m"}},
        "spec.load.batchSize",
    ),
    "a custom test without a duration": (
        {"target": {"url": URL}, "scenario": "custom", "load": {"batchSize": 10}},
        "spec.load.duration",
    ),
    "a batch of no rows": ({"target": {"url": URL}, "scenario": "light", "load": {"batchSize": 0}}, "batchSize"),
    "a duration without a unit": (
        {"target": {"url": URL}, "scenario": "light", "load": {"duration": "90"}},
        "duration",
    ),
    "a duration of a week": ({"target": {"url": URL}, "scenario": "light", "load": {"duration": "168h"}}, "24h"),
    "stages beside a duration": (
        {
            "target": {"url": URL},
            "scenario": "light",
            "load": {"duration": "1m", "stages": [{"duration": "1m", "virtualUsers": 1}]},
        },
        "spec.load.stages",
    ),
    "stages of two kinds": (
        _with_load(stages=[{"duration": "1m", "virtualUsers": 1}, {"duration": "1m", "arrivalRate": 1}]),
        "spec.load.stages",
    ),
    "a stage of both kinds": (
        _with_load(stages=[{"duration": "1m", "virtualUsers": 1, "arrivalRate": 1}]),
        "spec.load.stages",
    ),
    "a stage of no kind": (_with_load(stages=[{"duration": "1m"}]), "spec.load.stages"),
    "stages that reach no rate": (_with_load(stages=[{"duration": "1m", "arrivalRate": 0}]), "spec.load.stages"),
    "an arrival rate of nothing": (_with_load(arrivalRate=0), "arrivalRate"),
    "stages beside an arrival rate": (
        _with_load(arrivalRate=1, stages=[{"duration": "1m", "arrivalRate": 1}]),
        "spec.load.stages",
    ),
    "records beside a duration": (_with_load(records=10, duration="1m"), "spec.load.records"),
    "records of all scenarios": (
        {"target": {"url": URL}, "scenario": "all", "load": {"records": 10}},
        "spec.load.records",
    ),
    "arrivals without a rate": (_with_load(arrivals="poisson"), "spec.load.arrivals"),
    "a lateness without a rate": (_with_load(maxLateness="1s"), "spec.load.maxLateness"),
    "a lateness that drops every arrival": (_with_load(arrivalRate=1, maxLateness="0s"), "spec.load.maxLateness"),
    "a stage of three centuries": (
        _with_load(stages=[{"duration": "2562047h", "virtualUsers": 1}]),
        "spec.load.stages must not last longer than 24h",
    ),
    "a pause of three centuries": (_with_load(thinkTime="2562047h"), "spec.load.thinkTime"),
    "a host with a port that no host has": (
        {"target": {"url": URL, "host": "a:99999"}, "scenario": "light"},
        "spec.target.host",
    ),
    "a host that is no address": ({"target": {"url": URL, "host": "[:::]"}, "scenario": "light"}, "spec.target.host"),
    "a pause beside a rate": (_with_load(arrivalRate=1, thinkTime="1s"), "spec.load.thinkTime"),
    "a graceful stop above the time-out": (_with_load(gracefulStop="3m"), "spec.load.gracefulStop"),
    "an abort without a bound": ({"target": {"url": URL}, "scenario": "light", "abort": {}}, "abort"),
    "an abort by a wrong bound": (
        {"target": {"url": URL}, "scenario": "light", "abort": {"thresholds": ["p95 < 20"]}},
        "spec.abort.thresholds",
    ),
    "a threshold on a step that is none": (
        {"target": {"url": URL}, "scenario": "light", "thresholds": ["tiny.p95 < 1s"]},
        "spec.thresholds",
    ),
    "an alias of no address": (
        _with_pod(hostAliases=[{"ip": "10.0.0.300", "hostnames": ["staging.example.com"]}]),
        "spec.pod.hostAliases",
    ),
    "an alias of a Service's name": (
        _with_pod(hostAliases=[{"ip": "10.0.0.3", "hostnames": ["clients.shop.svc.cluster.local"]}]),
        "spec.pod.hostAliases",
    ),
    "an alias of a name without a dot": (
        _with_pod(hostAliases=[{"ip": "10.0.0.3", "hostnames": ["clients"]}]),
        "spec.pod.hostAliases",
    ),
    "a label of the operator's own": (_with_pod(labels={"x-load-test.dev/uid": "1"}), "spec.pod.labels"),
    "a label with a wrong value": (_with_pod(labels={"example.com/team": "a b"}), "spec.pod.labels"),
    "a mesh that is neither on nor off": (_with_pod(mesh="Maybe"), "spec.pod.mesh"),
    "a further container": (_with_pod(containers=[{"name": "x", "image": "y"}]), "containers"),
    "a service account": (_with_pod(serviceAccountName="admin"), "serviceAccountName"),
    "an affinity with a wrong word": (_with_pod(affinity={"nodeAffinities": {}}), "nodeAffinities"),
    "an affinity with a wrong operator": (
        _with_pod(
            affinity={
                "podAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        {"topologyKey": "zone", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "Is"}]}}
                    ]
                }
            }
        ),
        "operator",
    ),
    "more pods than virtual users": (
        {"target": {"url": URL}, "scenario": "light", "parallelism": 3, "load": {"virtualUsers": 2}},
        "spec.parallelism",
    ),
    "a threshold on an unknown metric": (
        {"target": {"url": URL}, "scenario": "light", "thresholds": ["latency < 1s"]},
        "spec.thresholds",
    ),
    "a threshold on a time without a unit": (
        {"target": {"url": URL}, "scenario": "light", "thresholds": ["p95 < 20"]},
        "spec.thresholds",
    ),
    "the load-test header among the headers": (
        {"target": {"url": URL, "headers": {"X-Load-Test": "false"}}, "scenario": "light"},
        "spec.target.headers",
    ),
    "the load-test header by another spelling": (
        {"target": {"url": URL, "headers": {"x_load_test": "false"}}, "scenario": "light"},
        "spec.target.headers",
    ),
    "a header's name with a line break": (
        {"target": {"url": URL, "headers": {"X-A\r\nX-Load-Test": "false"}}, "scenario": "light"},
        "spec.target.headers",
    ),
    "a header's value with a line break": (
        {"target": {"url": URL, "headers": {"X-A": "1\r\nX-Load-Test: false"}}, "scenario": "light"},
        "spec.target.headers",
    ),
    "a form field's name with a quote": (
        {"target": {"url": URL, "formFields": {'a"; filename="b': "1"}}, "scenario": "light"},
        "spec.target.formFields",
    ),
    "a form field's name with a line break": (
        {"target": {"url": URL, "formFields": {"a\n": "1"}}, "scenario": "light"},
        "spec.target.formFields",
    ),
    "a form field of the file's name": (
        {"target": {"url": URL, "formFields": {"file": "1"}}, "scenario": "light"},
        "spec.target.formFields",
    ),
    "a file name with a line break": (
        {"target": {"url": URL, "fileName": "a\r\nb.csv"}, "scenario": "light"},
        "spec.target.fileName",
    ),
    "a marker that every answer has": (
        {"target": {"url": URL, "response": {"marker": "success"}}, "scenario": "light"},
        "spec.target.response.marker",
    ),
    "a port that no address has": ({"target": {"url": "http://clients:99999/"}, "scenario": "light"}, "port"),
    "port 0": ({"target": {"url": "http://clients:0/"}, "scenario": "light"}, "port"),
    "an Authorization header": (
        {"target": {"url": URL, "headers": {"authorization": "Bearer x"}}, "scenario": "light"},
        "spec.target.auth",
    ),
    "Proven without a read-back": (
        {"target": {"url": URL}, "scenario": "light", "verification": {"require": "Proven"}},
        "spec.verification.readBack",
    ),
    "a read-back that is no URL": (_with_read_back(url="count", countPath="count"), "spec.verification.readBack.url"),
    "a count that is nowhere": (_with_read_back(url=COUNT_URL), "countPath for a count"),
    "a look-up without a control": (_with_read_back(url=LOOK_UP_URL, countPath="count"), "control for a look-up"),
    "a control of two kinds": (
        _with_read_back(url=LOOK_UP_URL, countPath="count", control={"clientId": "C1", "url": COUNT_URL}),
        "one of clientId, value and url",
    ),
    "a control by client_id of a count": (
        _with_read_back(url=COUNT_URL, countPath="count", control={"clientId": "C1"}),
        "control.clientId and value need {client_id}",
    ),
    "an Authorization header of a read-back": (
        _with_read_back(url=COUNT_URL, countPath="count", headers={"Authorization": "Bearer x"}),
        "spec.verification.readBack.headers",
    ),
    "a read-back that settles for an hour": (
        _with_read_back(url=COUNT_URL, countPath="count", settle="1h"),
        "spec.verification.readBack.settle",
    ),
    "a field that does not exist": ({"target": {"url": URL}, "scenario": "light", "virtualUsers": 3}, "virtualUsers"),
    "a value of the wrong type": ({"target": {"url": URL}, "scenario": "light", "parallelism": "two"}, "parallelism"),
    "a column without its width": (_with_field(kind="unique"), "kind unique needs width"),
    "a width for a constant": (_with_field(kind="constant", value="a", width=3), "width belongs to kind unique"),
    "a column with a brace in its name": (
        _with_records(fields={"add": [{"name": "a{b", "kind": "constant", "value": "a"}]}),
        "name",
    ),
    "a date that is none": (_with_field(kind="date", earliest="yesterday", latest="2020-01-01"), "earliest"),
    "more than half of the records wrong": (_with_records(invalid={"share": 0.6}), "share"),
    "a byte order mark before Windows-1252": (
        _with_records(dialect={"bom": True, "encoding": "cp1252"}),
        "spec.records.dialect.bom",
    ),
    "a delimiter of two characters": (_with_records(dialect={"delimiter": "::"}), "delimiter"),
    "a date format by the hour": (_with_records(dialect={"dateFormat": "%H"}), "dateFormat"),
    "a count that is none of ours": (
        {"target": {"url": URL, "response": {"expectCount": "most"}}, "scenario": "light"},
        "expectCount",
    ),
}
