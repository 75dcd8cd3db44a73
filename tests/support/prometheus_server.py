"""A real Prometheus that scrapes one address every second, asked over its HTTP API."""

import json
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from localcluster.ports import free_port


@dataclass(frozen=True)
class Prometheus:
    url: str

    def label_values(self, label: str, selector: str) -> set[str]:
        """The values that a label has in the series of a selector."""
        query = urllib.parse.urlencode({"match[]": selector})
        with urllib.request.urlopen(f"{self.url}/api/v1/label/{label}/values?{query}", timeout=10) as answer:
            return set(json.loads(answer.read())["data"])

    def alerts(self) -> dict[str, dict[str, Any]]:
        """Each alert of the rules by its name: its state, whether it could be evaluated, and what it fires for."""
        with urllib.request.urlopen(f"{self.url}/api/v1/rules?type=alert", timeout=10) as answer:
            groups: list[dict[str, Any]] = json.loads(answer.read())["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and the value of each series that a PromQL expression gives now."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{query}", timeout=10) as answer:
            result: list[dict[str, Any]] = json.loads(answer.read())["data"]["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def value(self, expression: str) -> float | None:
        """The value of an expression that gives one series, None where it gives none."""
        series = self.query(expression)
        assert len(series) <= 1, f"{expression} gives {len(series)} series"
        return series[0][1] if series else None


@contextmanager
def running_prometheus(program: Path, address: str, rule_files: Sequence[Path] = ()) -> Iterator[Prometheus]:
    """Run the program until the context ends. It evaluates the rules every second."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="prometheus-") as name:
        folder = Path(name)
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(file) for file in rule_files],
            "scrape_configs": [{"job_name": "loadtest-operator", "static_configs": [{"targets": [address]}]}],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        command = [str(program), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*command, f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], stdout=log, stderr=log
            )
        try:
            prometheus = Prometheus(f"http://127.0.0.1:{port}")
            _wait_until_ready(prometheus, process, folder / "log")
            yield prometheus
        finally:
            process.kill()
            process.wait()


def _wait_until_ready(prometheus: Prometheus, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"{prometheus.url}/-/ready", timeout=5):
                return
        except OSError as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Prometheus does not start: {log.read_text()}") from error
        time.sleep(0.1)
