"""What failures of the contract, of the target and of what stands before it mean."""

from typing import Final

from loadtest_model.explanations.explanation import OR_LOWER_USERS, Explanation
from loadtest_model.measurement.causes import Cause

LOAD_TEST_CONTRACT: Final = {
    Cause.MARKER_MISSING: Explanation(
        "The load-test header is ignored",
        "The target accepted an upload with X-Load-Test: true without saying load_test_mode: true, so its rows may be"
        " stored.",
        "The target must answer uploads that carry X-Load-Test: true with load_test_mode: true, and store nothing: add"
        " that branch to the upload view, check that the deployed version has it and that no proxy removes the header."
        " If the answer names the marker otherwise, set spec.target.response.marker.",
    ),
    Cause.MARKER_FALSE: Explanation(
        "The load-test header is not honoured",
        "The answer has the marker, but it is not true, so the rows may be stored.",
        "The target knows the marker but did not set it to true for X-Load-Test: true: check the condition in the"
        " upload view, and that no proxy removes or changes the header.",
    ),
    Cause.NOT_JSON: Explanation(
        "A page instead of JSON",
        "The answer is a success, but no JSON object: a page for people, of a log-in, of another view or of a proxy."
        " The rows may be stored.",
        "Check that spec.target.url is the upload API and not the page with its form, that spec.target.auth is set if a"
        " log-in is wanted, and have the view answer load tests with JSON.",
    ),
    Cause.ANSWER_UNREADABLE: Explanation(
        "The answer cannot be read",
        "The answer is a success, but its body is in an encoding that is not read here (gzip and deflate are, and"
        " nothing else was asked for), broken, or longer than 1 MiB. Whether the target honoured X-Load-Test is not"
        " known, so the rows may be stored.",
        "Have the target, and each proxy before it, keep to the request's Accept-Encoding: gzip, deflate; switch off"
        " other compression (br, zstd) for the upload API, and let the view answer load tests with a short JSON"
        " object.",
    ),
    Cause.ROWS_MISCOUNTED: Explanation(
        "The rows are miscounted",
        "The target says another number of rows than were sent, or none.",
        "The target must say how many rows it processed: check that it counts every row and no header, and set"
        " spec.target.response.count if the answer names the count otherwise.",
    ),
    Cause.NONCE_NOT_ECHOED: Explanation(
        "The nonce is not returned",
        "spec.verification.require asks for a proof with the nonce, and an answer does not return its request's own.",
        "Every answer must return its request's X-Load-Test-Nonce as load_test_nonce (or as spec.target.response.nonce"
        " says). A cached answer cannot, nor a worker with an older version; else require Acknowledged.",
    ),
    Cause.READ_BACK_FAILED: Explanation(
        "The read-back failed",
        "The question whether rows were stored got no answer that could be used.",
        "Try spec.verification.readBack.url by hand: it must answer a GET with 2xx and have what countPath names,"
        " without a redirect, for the token and headers that spec.verification.readBack says.",
    ),
    Cause.READ_BACK_CONTROL: Explanation(
        "The read-back does not find what is there",
        "The control of the read-back, something that is known to exist, was not found, so finding nothing else proves"
        " nothing.",
        "A read-back proves something only if it finds what is known to exist: store one row and name it in"
        " spec.verification.readBack.control, or let countPath name a count above 0.",
    ),
    Cause.ROWS_STORED: Explanation(
        "Rows were stored",
        "The target answers as if it honoured X-Load-Test, and the read-back finds stored rows all the same.",
        "Look at the branch that answers load tests, and at signals and tasks that it starts. Remove this run's rows:"
        " the message says what finds them.",
    ),
}

TARGET_UNDER_LOAD: Final = {
    Cause.HIGH_ERROR_RATE: Explanation(
        "High error rate",
        "More than one upload in a hundred was not accepted.",
        "Look at the causes listed with it and into the target's log, and check that the view honours X-Load-Test on"
        " every path.",
        advice_for_several_users="Lower spec.load.virtualUsers to find the load that the target carries.",
    ),
    Cause.SERVER_ERROR: Explanation(
        "The target failed",
        "The view or what it needs failed on this upload (5xx). Whether rows were stored before that is not known.",
        "Look into the target's log for the traceback.",
        advice_if_all_failed="A view that fails on every upload often reads another form field (spec.target.fileField)"
        " or other columns (spec.records) than are sent.",
        advice_if_some_accepted="A view that fails on some uploads alone often fails on certain values in their rows"
        " (spec.records says which are sent), or when something that it needs, such as its database, is busy.",
    ),
    Cause.EMPTY_FILE_FAILED: Explanation(
        "The view fails on a file without rows",
        "The first upload of a verification is a file with its header row and no other row, so that there is nothing"
        " to store. The target failed on it (5xx). It may take files with rows, but none was sent.",
        "What was sent was a file with its header row only: have the view answer such a file as any other, or with 400."
        " Look into the target's log for the traceback: a view that fails here often takes the first row for granted,"
        " and one that fails on every upload often reads another form field (spec.target.fileField) or other columns"
        " (spec.records) than are sent.",
    ),
    Cause.SERVICE_UNAVAILABLE: Explanation(
        "The target is not available",
        "The target itself answers 503: overloaded, in maintenance, or without its database.",
        "Look into the target's log.",
        advice_for_several_users="Lower spec.load.virtualUsers if the target sheds load on purpose.",
    ),
    Cause.THROTTLED: Explanation(
        "The target throttles",
        "The target or a proxy allows only so many requests (429).",
        "Raise the limit for the token's owner (DRF: DEFAULT_THROTTLE_RATES) or for the generator's addresses;"
        " spec.load.thinkTime spaces the uploads of each user.",
        advice_for_several_users=OR_LOWER_USERS,
    ),
    Cause.OUT_OF_MEMORY: Explanation(
        "The target runs out of memory",
        "The view ran out of memory on this upload (MemoryError).",
        "Raise the target's memory, have the view read the file row by row instead of as a whole, or lower"
        " spec.load.batchSize.",
        advice_for_several_users=OR_LOWER_USERS,
    ),
    Cause.MEMORY_GROWING: Explanation(
        "The target's memory grows",
        "The target held more and more memory while the load ran; it ends in a kill if that goes on.",
        "Look for what the view keeps after its answer (caches, lists that only grow); have it read the file row by"
        " row, raise the target's memory, have gunicorn replace its workers now and then (--max-requests), or lower"
        " spec.load.batchSize.",
    ),
}

PROXY: Final = {
    Cause.PROXY_BODY_LIMIT: Explanation(
        "The proxy's limit on the body",
        "A proxy before the target takes no body of this size (413); the upload never reached the target.",
        "Raise the proxy's limit (nginx: client_max_body_size, 1 MB by default; ingress-nginx: the annotation"
        " nginx.ingress.kubernetes.io/proxy-body-size), or lower spec.load.batchSize.",
    ),
    Cause.PROXY_TIMEOUT: Explanation(
        "The proxy's time-out",
        "A proxy gave up waiting for the target (504); the target may have gone on, so whether rows were processed is"
        " not known.",
        "Raise the proxy's time-out (nginx: proxy_read_timeout, 60 s by default; ingress-nginx: the annotation"
        " nginx.ingress.kubernetes.io/proxy-read-timeout; Envoy and Istio: the route's timeout) above the longest"
        " upload, or make the view faster.",
    ),
    Cause.PROXY_BAD_GATEWAY: Explanation(
        "The proxy gets no answer from the target",
        "A proxy answers 502: the target behind it refused the connection, or cut it before an answer, as gunicorn does"
        " when it kills a worker at its time-out.",
        "Check that the target runs and look into its log for crashes, OOMKilled, WORKER TIMEOUT and (of a worker that"
        " the kernel killed) 'Perhaps out of memory?'; then into the proxy's error log.",
    ),
    Cause.PROXY_UNAVAILABLE: Explanation(
        "The proxy turns uploads away",
        "A proxy answers 503: it knows no healthy target, or limits requests (nginx's limit_req and limit_conn answer"
        " 503 unless told otherwise).",
        "Check that the target's pods are ready; where the proxy limits requests, raise the limit for the generator's"
        " addresses.",
        advice_for_several_users=OR_LOWER_USERS,
    ),
    Cause.PROXY_REFUSED: Explanation(
        "A proxy refuses the upload",
        "The answer is a proxy's own page, so the upload never reached the target.",
        "Check that the proxy has a route for the host and path in spec.target.url (spec.target.host sets the Host"
        " header) and lets the generator's addresses in; inside the cluster, address the target's Service instead.",
    ),
    Cause.BODY_TOO_SLOW: Explanation(
        "The body came too slowly",
        "The target or a proxy gave up waiting for the upload's body (408).",
        "Raise the time-out for bodies (nginx: client_body_timeout), give the generator's pods more CPU, or lower"
        " spec.load.batchSize.",
    ),
}

GENERATOR: Final = {
    Cause.GENERATOR_THROTTLED: Explanation(
        "The generator's CPU limit is too low",
        "The kernel kept the generator from the CPU for most of the time, as its limit says, so it could not connect,"
        " send or read before its own time-outs. That says nothing of the target.",
        "Raise spec.pod.resources.limits.cpu to 1 at least, or remove the limit, and run again. Only where uploads"
        " time out then as well, look at the target and at NetworkPolicies.",
    ),
}
