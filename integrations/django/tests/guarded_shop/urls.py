"""A URL for each view, by its name."""

from django.urls import include, path

from guarded_shop import rest_views, task_views, views

FUNCTION_VIEWS = (
    *("plain", "unprotected", "reads", "bulk", "raw_sql", "durable", "on_commit", "second_database", "locks", "fails"),
    *("swallows_an_error", "commits_by_django", "commits_by_sql", "commits_by_driver", "rolls_back_by_driver"),
    *("thread", "raw_driver", "streams", "sends_mail", "saves_files", "caches", "own_shape", "own_shape_with_path"),
    *("own_shape_with_function", "redirects", "redirects_without_a_count", "long_answer", "refuses_rows"),
    *("async_view", "async_tasks", "async_stream", "async_other_thread", "async_outliving_task"),
)

urlpatterns = [
    *(path(f"{name}/", getattr(views, name)) for name in FUNCTION_VIEWS),
    path("class_view/", views.ClassView.as_view()),
    path("async_class_view/", views.AsyncClassView.as_view()),
    path("api_view/", rest_views.api_view_function),
    path("api_class/", rest_views.ApiClass.as_view()),
    path("api_view_set/", rest_views.CustomerSet.as_view({"post": "create"})),
    path("api_with_a_token/", rest_views.ApiWithAToken.as_view()),
    path("celery_tasks/", task_views.celery_tasks),
    path("django_tasks/", task_views.django_tasks),
    path("load-test/", include("loadtest_guard.urls")),
]
