"""What a kubelet would expand in a pod's environment reaches the target as the user wrote it."""

import pytest

from localcluster.rest import Json, wait_for
from support.loadtests import Namespace

TEXT = "$$5 for $(HOSTNAME), $(POD_IP) and $5"


@pytest.fixture(scope="module")
def status(namespace: Namespace) -> Json:
    namespace.deploy("notes", FAULT="notes")
    namespace.until_available("notes")
    url = "http://notes:8000/clients/upload/process/"
    target = {
        "url": url,
        "timeout": "20s",
        "headers": {"X-Price": TEXT},
        "formFields": {"price": TEXT, "$(POD_UID)": "$$"},
    }
    load = {"batchSize": 100, "virtualUsers": 2, "duration": "2s"}
    return namespace.start("dollars", target=target, load=load).until_completed()


def test_the_pods_take_the_start_since_their_plan_is_the_operators(status: Json) -> None:
    assert status["summary"]["requests"]["accepted"] > 0
    assert status["pods"]["succeeded"] == 2


def test_every_upload_has_the_header_and_the_fields_as_the_spec_has_them(namespace: Namespace, status: Json) -> None:
    sent = status["summary"]["requests"]["sent"] + status["verification"]["uploads"]

    # A real node's log comes some time after what is written to it.
    wait_for(f"{sent} uploads in the target's log", lambda: len(namespace.logged_uploads("notes")) >= sent, 30)

    noted = namespace.logged_uploads("notes")
    assert len(noted) == sent
    assert {each["headers"]["HTTP_X_PRICE"] for each in noted} == {TEXT}
    assert all(each["fields"] == {"price": TEXT, "$(POD_UID)": "$$"} for each in noted)
