"""Views that give work to workers."""

from typing import Any

from celery import Celery, group, shared_task
from django.http import HttpRequest, HttpResponse, JsonResponse

from loadtest_guard import protect

# A broker that keeps messages in this process.
app = Celery("guarded_shop", broker="memory://", backend="cache+memory://", set_as_current=True)
ran: list[Any] = []


@shared_task
def remember(value: str) -> None:
    ran.append(value)


@protect
def celery_tasks(request: HttpRequest) -> HttpResponse:
    results = [
        remember.delay("delay"),
        remember.apply_async(["apply_async"], countdown=1),
        app.send_task("guarded_shop.task_views.remember", ["send_task"]),
        *group(remember.s("group"), remember.s("group")).apply_async().results,
    ]
    return JsonResponse({"processed_count": len({result.id for result in results})})


try:
    from django.tasks import task
except ImportError:
    # Django has no tasks before 6.0.
    in_django = None
else:

    @task
    def in_django(value: str) -> None:
        ran.append(value)


@protect
def django_tasks(request: HttpRequest) -> HttpResponse:
    assert in_django is not None
    return JsonResponse({"processed_count": 1, "id": in_django.enqueue("enqueue").id})


def waiting_messages() -> int:
    """How many messages the broker has."""
    with app.connection_for_write() as connection:
        return int(connection.default_channel.queue_declare("celery").message_count)
