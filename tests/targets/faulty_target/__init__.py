"""The example target with one fault built in, for tests: a WSGI application, served by gunicorn as the example is.

    PYTHONPATH=tests/targets FAULT=some-errors FAULT_LEDGER=/tmp/ledger \\
        gunicorn --chdir examples/django_target -c examples/django_target/gunicorn.conf.py faulty_target.wsgi

In a pod: the example's manifest with `faulty_target.wsgi` instead of `config.wsgi`, and these variables beside its own.

FAULT
    `ignores-header`: X-Load-Test never reaches Django, so rows are stored and no answer has a marker.
    `lies`: full uploads after FAULT_AFTER of them are stored, and answered as if X-Load-Test had been honoured.
    `loses-marker`: as `ignores-header`, from the upload after FAULT_AFTER full uploads on.
    `loses-nonce`: no answer has a nonce any more, from the upload after FAULT_AFTER full uploads on.
    `some-errors`: every FAULT_EVERY-th full upload is answered 500 and 503 in turn, without reaching Django.
    `redirect`: every upload is answered 302 with another path, without reaching Django.
    `unauthorized`: every upload is answered 401, without reaching Django.
    `tells-all`: full uploads after FAULT_AFTER of them are answered FAULT_STATUS with a page that shows the request's
        headers Authorization and Load-Test-Token, and characters that would forge lines of a log or clear a terminal.
    `notes`: every upload is processed, and its X- headers and form fields are written to the log, as a line of JSON.
    `slow`: every upload is processed, and its answer held back for FAULT_SECONDS.
FAULT_LEDGER
    File in which the workers count full uploads together; needed by `lies`, `loses-marker`, `loses-nonce` and
    `some-errors` and `tells-all`.
FAULT_MIN_ROWS (100)
    An upload of at least so many rows is a full upload. Smaller ones, a generator's first tries, are let alone;
    its first full-size batch is counted as any other.
FAULT_REFUSES_EMPTY
    1: `ignores-header` answers 400 to a file without rows, so that its fault shows at the first stored row only.
FAULT_STATUS (500 Internal Server Error)
    Of what `tells-all` answers.
FAULT_EVERY (3), FAULT_AFTER (10), FAULT_SECONDS (5)
    See above.

An upload is any POST; probes and counts are answered as by the example.
"""
