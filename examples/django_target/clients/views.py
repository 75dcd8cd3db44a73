"""The upload of client files, and the count of what is stored."""

import logging
from collections.abc import Callable
from functools import wraps

from django.db import IntegrityError
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from clients.auth import token_required
from clients.files import UnreadableFile, read_rows
from clients.importing import parse_clients, store_clients
from clients.models import Client

logger = logging.getLogger(__name__)


class UploadResponse(JsonResponse):
    """An answer that knows how many rows were processed, for the log."""

    def __init__(self, body: dict[str, object], *, rows: int, status: int = 200) -> None:
        """Answer `body`; `rows` is what the log says, 0 for a refused file."""
        super().__init__(body, status=status)
        self.rows = rows


def is_load_test(request: HttpRequest) -> bool:
    """Whether the request asks for everything but the storing."""
    return request.headers.get("X-Load-Test", "").lower() == "true"


def log_answers(view: Callable[[HttpRequest], JsonResponse]) -> Callable[[HttpRequest], JsonResponse]:
    """Log one line for every answer: mode, rows processed (0 where the file was refused) and status."""

    @wraps(view)
    def logging_view(request: HttpRequest) -> JsonResponse:
        response = view(request)
        logger.info(
            "upload load_test=%s rows=%d status=%d",
            "true" if is_load_test(request) else "false",
            response.rows if isinstance(response, UploadResponse) else 0,
            response.status_code,
        )
        return response

    return logging_view


@csrf_exempt
@require_POST
@log_answers
@token_required
def upload_clients(request: HttpRequest) -> JsonResponse:
    """Validate the clients of the file in the form field `file`, and store all of them or none.

    A load test's clients are validated and not stored.
    """
    clients = _clients_of(request)
    if isinstance(clients, JsonResponse):
        return clients
    if is_load_test(request):
        return _load_test_answer(request, len(clients))
    return _store(clients)


@csrf_exempt
@require_POST
@log_answers
@token_required
def store_upload(request: HttpRequest) -> JsonResponse:
    """The same, without a branch for load tests: for the guard, which rolls back what this stores."""
    clients = _clients_of(request)
    return clients if isinstance(clients, JsonResponse) else _store(clients)


@require_GET
@token_required
def count_clients(request: HttpRequest) -> JsonResponse:
    """Count the stored clients, or with `?client_id=` those with this id (0 or 1)."""
    clients = Client.objects.all()
    if client_id := request.GET.get("client_id"):
        clients = clients.filter(client_id=client_id)
    return JsonResponse({"count": clients.count()})


def _clients_of(request: HttpRequest) -> list[Client] | JsonResponse:
    """The valid clients of the file, or the refusal."""
    upload = request.FILES.get("file")
    if upload is None:
        return _refusal(400, "no file in the form field 'file'")
    try:
        parsed_file = parse_clients(read_rows(upload), timezone.now())
    except UnreadableFile as error:
        return _refusal(400, str(error))
    if parsed_file.errors:
        return _refusal(400, f"{parsed_file.error_count} rows are not valid", errors=parsed_file.errors)
    return parsed_file.clients


def _store(clients: list[Client]) -> JsonResponse:
    try:
        store_clients(clients)
    except IntegrityError:
        return _refusal(409, "a client_id or an e-mail of this file is stored already")
    return _success(len(clients), f"{len(clients)} clients stored")


def _load_test_answer(request: HttpRequest, count: int) -> UploadResponse:
    echo = {}
    if nonce := request.headers.get("X-Load-Test-Nonce"):
        # Returned, it proves to the sender that this very answer was made for this very request.
        echo["load_test_nonce"] = nonce
    message = f"Load test mode: {count} clients processed (no DB writes)"
    return _success(count, message, load_test_mode=True, **echo)


def _success(count: int, message: str, **more: object) -> UploadResponse:
    body = {"success": True, "message": message, **more, "processed_count": count}
    return UploadResponse(body, rows=count)


def _refusal(status: int, message: str, **more: object) -> UploadResponse:
    return UploadResponse({"success": False, "message": message, **more}, rows=0, status=status)
