"""The pages behind a real nginx that asks for a name and a password, as ingress-nginx does, below a path of its own."""

from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, expect

from loadtest_model.pages.elements import element
from nginx_proxy import nginx_proxy
from support.live_server import LiveServer, a_view

SOON_MS = 30_000
# `reader` with the password `secret`, in the one form that needs no program: plain text.
PASSWORDS = "reader:{PLAIN}secret\n"


def test_events_come_at_once_through_a_proxy_that_authenticates(browser: Browser, tmp_path: Path) -> None:
    passwords = tmp_path / "auth"
    passwords.write_text(PASSWORDS)
    with LiveServer(a_view(element("h1", "first", id="title"))) as server:
        directives = f"""
        auth_basic "Load tests";
        auth_basic_user_file {passwords};
        location /loadtests/ {{
            proxy_pass http://127.0.0.1:{server.port}/;
            proxy_set_header Host pages.example.com;
        }}
        """
        with nginx_proxy(tmp_path, directives) as port:
            address = f"http://127.0.0.1:{port}/loadtests/"
            with pytest.raises(HTTPError) as refused, urlopen(address, timeout=30):
                pass
            with refused.value:
                assert refused.value.code == 401
            context = browser.new_context(http_credentials={"username": "reader", "password": "secret"})
            try:
                page = context.new_page()
                page.goto(address)
                page.evaluate("window.isSamePage = true")
                for text in ("second", "third"):
                    server.view = a_view(element("h1", text, id="title"))
                    expect(page.locator("h1")).to_have_text(text, timeout=SOON_MS)
                assert page.evaluate("window.isSamePage") is True
                assert page.locator("#connection").inner_text() == ""
            finally:
                context.close()
