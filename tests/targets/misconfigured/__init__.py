"""The example target as teams meet it before it is set up right: the same project with a mistake at each URL.

    PYTHONPATH=tests/targets DJANGO_SETTINGS_MODULE=misconfigured.settings \\
        gunicorn --chdir examples/django_target -c examples/django_target/gunicorn.conf.py config.wsgi

`/mistakes/<name>/` takes uploads; see `urls` for the names. Mistakes of settings come by the example's own variables.
"""
