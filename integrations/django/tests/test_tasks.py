"""Tasks for workers under the guard."""

import pytest
from django.test import Client

from guard_requests import post
from guarded_shop import task_views


def test_tasks_of_celery_are_held_and_reach_no_broker(client: Client, token: str) -> None:
    before = task_views.waiting_messages()

    answer = post(client, "celery_tasks", token)

    assert (answer.json()["processed_count"], answer.json()["load_test"]["held"]) == (5, {"task": 5})
    assert task_views.waiting_messages() == before


def test_tasks_of_celery_reach_the_broker_for_everybody_else() -> None:
    before = task_views.waiting_messages()

    Client().post("/celery_tasks/")

    assert task_views.waiting_messages() == before + 5


@pytest.mark.skipif(task_views.in_django is None, reason="Django has no tasks before 6.0")
def test_tasks_of_django_are_held_and_do_not_run(client: Client, token: str) -> None:
    answer = post(client, "django_tasks", token)

    assert answer.json()["load_test"]["held"] == {"task": 1}
    assert task_views.ran == []
