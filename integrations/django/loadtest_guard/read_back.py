"""The read-back: how many rows of a model are stored, for whoever may run load tests."""

import time

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models, router
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from loadtest_guard.admission import NotAdmittedError, admission_of, require_permission
from loadtest_guard.guard_settings import guard_settings
from loadtest_guard.refusals import refuse


@require_GET
def count_rows(request: HttpRequest, app_label: str, model_name: str) -> HttpResponse:
    """Answer `{"count": n}`: all stored rows, or with `?field=value` those that have the value in a unique field.

    It reads where rows are written, and sees rows that the model's own managers hide.
    """
    settings = guard_settings()
    if not settings.enabled:
        return refuse(request, 403, "load tests are off here (LOADTEST_GUARD['ENABLED'])")
    try:
        if admission_of(request, settings, time.time()).awaits_permission:
            require_permission(request, settings)
    except NotAdmittedError as error:
        return refuse(request, 403, str(error))
    names = {name.lower() for name in settings.read_back}
    if f"{app_label}.{model_name}".lower() not in names:
        return _answer({"detail": f"LOADTEST_GUARD['READ_BACK'] has no {app_label}.{model_name}"}, 404)
    model = apps.get_model(app_label, model_name)
    rows = model._base_manager.using(router.db_for_write(model))
    values = request.GET.dict()
    if not set(values) <= unique_fields(model):
        return _answer({"detail": f"rows are looked up by a unique field: {sorted(unique_fields(model))}"}, 400)
    try:
        return _answer({"count": rows.filter(**values).count()}, 200)
    except (ValueError, ValidationError):
        # Not a value of the field, so no row has it.
        return _answer({"count": 0}, 200)


def unique_fields(model: type[models.Model]) -> set[str]:
    """The names of the fields that find at most one row."""
    return {field.name for field in model._meta.concrete_fields if field.unique and not field.is_relation}


def _answer(body: dict[str, object], status: int) -> JsonResponse:
    return JsonResponse(body, status=status, headers={"Cache-Control": "no-store"})
