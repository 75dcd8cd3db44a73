"""aiohttp is imported without the system's authorities, and everybody else finds them where they were."""

import os
import ssl
import subprocess
import sys

import pytest

from loadgen.http.fetching import _system_context
from loadgen.http.first_import import without_authorities

ASK = """
import os, ssl
os.environ["SSL_CERT_DIR"] = "/somewhere"
import loadgen.http
print(os.environ.get("SSL_CERT_FILE"), os.environ["SSL_CERT_DIR"])
"""


def test_the_places_of_authorities_are_as_before_once_aiohttp_is_imported() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "SSL_CERT_FILE"}
    asked = subprocess.run([sys.executable, "-c", ASK], env=environment, capture_output=True, text=True, check=True)

    assert asked.stdout.split() == ["None", "/somewhere"]


def test_a_context_that_is_made_meanwhile_trusts_nobody() -> None:
    with without_authorities():
        assert ssl.create_default_context().get_ca_certs() == []


def test_what_is_fetched_over_https_is_checked_against_the_systems_authorities() -> None:
    context = _system_context()

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    # A context that has verified somebody may hold its authorities in another order.
    assert sorted(context.get_ca_certs(True)) == sorted(ssl.create_default_context().get_ca_certs(True))


@pytest.mark.parametrize("command", ["run_command", "verify_command", "pod_command"])
def test_no_command_imports_aiohttp_before_it_may(command: str) -> None:
    ask = f"import loadgen.cli.{command}, aiohttp.connector as c; print(len(c._SSL_CONTEXT_VERIFIED.get_ca_certs()))"
    asked = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)

    assert asked.stdout.strip() == "0"
