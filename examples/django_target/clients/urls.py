"""URLs under /clients/."""

from django.urls import path

from clients import views

app_name = "clients"

urlpatterns = [
    path("upload/process/", views.upload_clients, name="upload"),
    path("count/", views.count_clients, name="count"),
]
