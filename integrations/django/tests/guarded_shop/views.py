"""Views that store a customer, each in its own way. The number of the row is in the query."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.mail import EmailMessage, send_mail, send_mass_mail
from django.db import DatabaseError, connection, connections, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, StreamingHttpResponse
from django.views import View

from guarded_shop.models import Audit, Customer
from loadtest_guard import is_load_test, processed, protect

committed: list[str] = []
"""What `on_commit` callbacks have done."""


def _number(request: HttpRequest) -> str:
    return request.GET["number"]


def _stored(count: int = 1) -> JsonResponse:
    return JsonResponse({"success": True, "processed_count": count})


@protect
def plain(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    return _stored()


def unprotected(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    return _stored()


@protect
def reads(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"processed_count": Customer.objects.count()})


@protect
def bulk(request: HttpRequest) -> HttpResponse:
    Customer.objects.bulk_create(Customer(number=f"{_number(request)}-{n}") for n in range(50))
    return _stored(50)


@protect
def raw_sql(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO guarded_shop_customer (number, name, photo) VALUES (%s, '', '')", [_number(request)]
        )
    return _stored()


@protect
def durable(request: HttpRequest) -> HttpResponse:
    with transaction.atomic(durable=True):
        Customer.objects.create(number=_number(request))
    return _stored()


@protect
def on_commit(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    transaction.on_commit(lambda: committed.append(_number(request)))
    return _stored()


@protect
def second_database(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    Audit.objects.create(text=_number(request))
    return _stored()


@protect
def locks(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        for customer in Customer.objects.select_for_update():
            customer.name = "locked"
            customer.save()
    return _stored(Customer.objects.filter(name="locked").count())


@protect
def fails(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    raise ValueError("after the insert")


@protect
def swallows_an_error(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    try:
        with transaction.atomic():
            Customer.objects.create(number=_number(request))
    except DatabaseError:
        pass
    return _stored(Customer.objects.filter(number=_number(request)).count())


@protect
def commits_by_django(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    transaction.commit()
    return _stored()


@protect
def commits_by_sql(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    try:
        with connection.cursor() as cursor:
            cursor.execute("COMMIT")
    except Exception:
        # As a view that logs errors and goes on.
        return _stored()
    return _stored()


@protect
def commits_by_driver(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    try:
        connection.connection.commit()
    except Exception:
        return _stored()
    return _stored()


@protect
def rolls_back_by_driver(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    try:
        connection.connection.rollback()
    except Exception:
        return _stored()
    return _stored()


def _in_a_thread(work: Callable[[], Any]) -> None:
    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


@protect
def thread(request: HttpRequest) -> HttpResponse:
    _in_a_thread(lambda: Customer.objects.create(number=_number(request)))
    return _stored()


@protect
def raw_driver(request: HttpRequest) -> HttpResponse:
    """Opens a connection of its own, by the driver that Django uses."""
    driver = connection.get_new_connection(connection.get_connection_params())
    cursor = driver.cursor()
    mark = "%s" if connection.vendor == "postgresql" else "?"
    cursor.execute(
        f"INSERT INTO guarded_shop_customer (number, name, photo) VALUES ({mark}, '', '')", [_number(request)]
    )
    driver.commit()
    driver.close()
    return _stored()


@protect
def streams(request: HttpRequest) -> StreamingHttpResponse:
    def rows() -> Iterator[str]:
        yield '{"processed_count": '
        Customer.objects.create(number=_number(request))
        yield "1}"

    return StreamingHttpResponse(rows(), content_type="application/json")


@protect
def sends_mail(request: HttpRequest) -> HttpResponse:
    send_mail("subject", "text", "a@example.com", ["b@example.com"])
    send_mass_mail([("subject", "text", "a@example.com", ["b@example.com"])])
    EmailMessage("subject", "text", "a@example.com", ["b@example.com"]).send()
    return _stored()


@protect
def saves_files(request: HttpRequest) -> HttpResponse:
    default_storage.save("own.txt", ContentFile(b"text"))
    customer = Customer(number=_number(request))
    customer.photo.save("photo.png", ContentFile(b"picture"))
    default_storage.delete("kept.txt")
    return _stored()


@protect
def caches(request: HttpRequest) -> HttpResponse:
    cache.set("last", _number(request))
    cache.add("hits", 0)
    cache.incr("hits")
    cache.delete("kept")
    seen = {"last": cache.get("last"), "hits": cache.get("hits"), "kept": cache.get("kept")}
    return JsonResponse({"processed_count": 1, "seen": seen})


@protect
def own_shape(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    return JsonResponse({"result": {"imported": 1}, "load": is_load_test()})


own_shape_with_path = protect(own_shape, count="result.imported")
own_shape_with_function = protect(own_shape, count=lambda request, answer: 7)


@protect
def redirects(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    processed(1)
    return HttpResponseRedirect("/done/")


@protect
def redirects_without_a_count(request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect("/login/")


@protect
def long_answer(request: HttpRequest) -> HttpResponse:
    Customer.objects.create(number=_number(request))
    return JsonResponse({"processed_count": 1, "text": "x" * 5000})


@protect
def refuses_rows(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"success": False, "errors": ["row 3"]}, status=400)


@protect
class ClassView(View):
    def post(self, request: HttpRequest) -> HttpResponse:
        Customer.objects.create(number=_number(request))
        return _stored()


@protect
async def async_view(request: HttpRequest) -> HttpResponse:
    await Customer.objects.acreate(number=_number(request))
    cache.set("last", _number(request))
    return _stored(await Customer.objects.filter(number=_number(request)).acount())


# Its decorator hides from Django 4.2 that a view is asynchronous.
async_view.csrf_exempt = True


@protect
async def async_tasks(request: HttpRequest) -> HttpResponse:
    await asyncio.gather(*(Customer.objects.acreate(number=f"{_number(request)}-{n}") for n in range(5)))
    return _stored(await Customer.objects.acount())


@protect
async def async_stream(request: HttpRequest) -> StreamingHttpResponse:
    async def rows() -> AsyncIterator[str]:
        await Customer.objects.acreate(number=_number(request))
        yield '{"processed_count": 1}'

    return StreamingHttpResponse(rows(), content_type="application/json")


@protect
async def async_other_thread(request: HttpRequest) -> HttpResponse:
    def create() -> None:
        Customer.objects.create(number=_number(request))
        connections.close_all()

    await sync_to_async(create, thread_sensitive=False)()
    return _stored()


outliving: list["asyncio.Task[Any]"] = []
answered: list[asyncio.Event] = []


@protect
async def async_outliving_task(request: HttpRequest) -> HttpResponse:
    """Answers before its task has begun to write."""
    is_answered = asyncio.Event()

    async def create() -> None:
        await is_answered.wait()
        await Customer.objects.acreate(number=_number(request))

    task = asyncio.create_task(create())
    outliving.append(task)
    answered.append(is_answered)
    return _stored()


@protect
class AsyncClassView(View):
    async def post(self, request: HttpRequest) -> HttpResponse:
        await Customer.objects.acreate(number=_number(request))
        return _stored()
