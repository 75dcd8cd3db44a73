"""Which URLs a list of targets lets pass, and where a spec has URLs: for the two that hold the list.

They are the admission policy and the operator.
"""

from typing import Any

SERVICE = "http://clients:8000/"
OUTSIDE = "https://example.com/"
_LOGIN = {"secretRef": {"name": "robot"}}

# Each field of a spec that has a URL, with one that is on no list.
FIELDS: dict[str, dict[str, Any]] = {
    "spec.target.url": {"target": {"url": OUTSIDE}},
    "spec.target.metricsUrl": {"target": {"url": SERVICE, "metricsUrl": OUTSIDE}},
    "spec.target.auth.login.url": {"target": {"url": SERVICE, "auth": {"login": {"url": OUTSIDE, **_LOGIN}}}},
    "spec.verification.readBack.url": {"verification": {"readBack": {"url": OUTSIDE, "countPath": "count"}}},
    "spec.verification.readBack.control.url": {
        "verification": {"readBack": {"url": SERVICE, "countPath": "count", "control": {"url": OUTSIDE}}}
    },
}

SERVICES = ("cluster-services",)
MIXED = ("upload.example.com", "*.staging.example.com", "192.0.2.7", "2001:db8::7")

# The patterns of a list, a URL, and whether it passes.
CASES: list[tuple[tuple[str, ...], str, bool]] = [
    (SERVICES, "http://clients/", True),
    (SERVICES, "http://CLIENTS:8000/", True),
    (SERVICES, "https://clients-2:8443/upload/", True),
    (SERVICES, "http://clients.shop.svc/", True),
    (SERVICES, "http://Clients.Shop.svc:8000/", True),
    (SERVICES, "http://clients.shop.svc.cluster.local/", True),
    (SERVICES, "http://clients.shop.svc.cluster.local.:8000/", True),
    (SERVICES, "http://clients.7even.svc/", True),
    (SERVICES, "http://clients.shop/", False),
    (SERVICES, "http://example.com/", False),
    (SERVICES, "http://clients./", False),
    (SERVICES, "http://com./", False),
    (SERVICES, "http://localhost/", False),
    (SERVICES, "http://LOCALHOST:8000/", False),
    (SERVICES, "http://2130706433/", False),
    (SERVICES, "http://0x7f000001/", False),
    (SERVICES, "http://127.1/", False),
    (SERVICES, "http://10.0.0.5:8000/", False),
    (SERVICES, "http://[fd00::5]:8000/", False),
    (SERVICES, "http://[::ffff:10.0.0.5]/", False),
    (SERVICES, "http://svc/", True),
    (SERVICES, "http://shop.svc/", False),
    (SERVICES, "http://pod-0.clients.shop.svc/", False),
    (SERVICES, "http://clients.shop.svc.cluster.local.example.com/", False),
    (SERVICES, "http://clients.shop.svc.example.com/", False),
    (SERVICES, "http://evilsvc.cluster.local/", False),
    (SERVICES, "http://clients..svc/", False),
    (SERVICES, "http://-clients/", False),
    (SERVICES, "http://clients_2/", False),
    (SERVICES, "http://clients.shop.svc?.example.com/", True),
    (SERVICES, "http://example.com/?.shop.svc", False),
    (SERVICES, "http://example.com/clients.shop.svc", False),
    (MIXED, "https://upload.example.com/clients/", True),
    (MIXED, "https://Upload.Example.com.:8443/", True),
    (MIXED, "https://example.com/", False),
    (MIXED, "https://a.upload.example.com/", False),
    (MIXED, "https://a.staging.example.com/", True),
    (MIXED, "https://a.b.staging.example.com/", True),
    (MIXED, "https://staging.example.com/", False),
    (MIXED, "https://.staging.example.com/", False),
    (MIXED, "https://evilstaging.example.com/", False),
    (MIXED, "http://192.0.2.7:8000/", True),
    (MIXED, "http://192.0.2.8:8000/", False),
    (MIXED, "http://[2001:db8::7]:8000/", True),
    (MIXED, "http://[2001:db8::8]:8000/", False),
    (MIXED, "http://clients/", False),
    (("*",), "http://192.0.2.8/", True),
    (("*",), "https://example.com/", True),
    ((), "http://clients/", False),
]
