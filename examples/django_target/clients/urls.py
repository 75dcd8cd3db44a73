"""URLs under /clients/."""

from django.conf import settings
from django.urls import path

from clients import views

app_name = "clients"

urlpatterns = [path("count/", views.count_clients, name="count")]

if settings.HAS_GUARD:
    # Only then is the guard needed.
    from loadtest_guard import protect

    urlpatterns += [path("upload/process/", protect(views.store_upload), name="upload")]
else:
    urlpatterns += [path("upload/process/", views.upload_clients, name="upload")]
