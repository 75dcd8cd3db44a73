"""The read-back's URL: `path("load-test/", include("loadtest_guard.urls"))` in the project's."""

from django.urls import path

from loadtest_guard.read_back import count_rows

app_name = "loadtest_guard"

urlpatterns = [path("<str:app_label>.<str:model_name>/count/", count_rows, name="count")]
