"""Why uploads fail: each cause with what it means and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from loadtest_model.measurement.outcomes import ErrorKind


class Cause(StrEnum):
    """Why an upload was not accepted, or why a whole run fared badly; `docs/troubleshooting.md` lists them all."""

    # No connection.
    CONNECTION_REFUSED = "connection_refused"
    NAME_NOT_RESOLVED = "name_not_resolved"
    CONNECT_TIMEOUT = "connect_timeout"
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    ADDRESSES_VANISHED = "addresses_vanished"
    NO_SOCKET = "no_socket"
    TLS_CERTIFICATE = "tls_certificate"
    TLS_CLIENT_CERTIFICATE = "tls_client_certificate"
    TLS_NOT_SPOKEN = "tls_not_spoken"
    TLS_FAILED = "tls_failed"
    TLS_SETTINGS = "tls_settings"
    TLS_EXPECTED = "tls_expected"
    # No complete answer.
    TIMED_OUT = "timed_out"
    CONNECTION_RESET = "connection_reset"
    STALE_CONNECTION = "stale_connection"
    NOT_HTTP = "not_http"
    WORKER_TIMEOUT = "worker_timeout"
    WORKER_KILLED = "worker_killed"
    TARGET_CRASHED = "target_crashed"
    PODS_LEFT = "pods_left"
    # Who uploads.
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - the name of a cause
    TOKEN_EXPIRES_EARLY = "token_expires_early"  # noqa: S105 - the name of a cause
    TOKEN_MISSING = "token_missing"  # noqa: S105 - the name of a cause
    TOKEN_SCHEME = "token_scheme"  # noqa: S105 - the name of a cause
    TOKEN_REFUSED = "token_refused"  # noqa: S105 - the name of a cause
    LOGIN_FAILED = "login_failed"
    PERMISSION_DENIED = "permission_denied"
    CSRF = "csrf"
    CORS = "cors"
    # Where to.
    HOST_NOT_ALLOWED = "host_not_allowed"
    WRONG_URL = "wrong_url"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    SLASH_MISSING = "slash_missing"
    HTTPS_REDIRECT = "https_redirect"
    HOST_REDIRECT = "host_redirect"
    LOGIN_REDIRECT = "login_redirect"
    REDIRECTED = "redirected"
    # What is uploaded.
    BODY_LIMIT = "body_limit"
    DJANGO_BODY_LIMIT = "django_body_limit"
    TOO_MANY_FIELDS = "too_many_fields"
    WRONG_FILE_FIELD = "wrong_file_field"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    FILE_REFUSED = "file_refused"
    # The load-test contract.
    MARKER_MISSING = "marker_missing"
    MARKER_FALSE = "marker_false"
    NOT_JSON = "not_json"
    ROWS_MISCOUNTED = "rows_miscounted"
    NONCE_NOT_ECHOED = "nonce_not_echoed"
    READ_BACK_FAILED = "read_back_failed"
    READ_BACK_CONTROL = "read_back_control"
    ROWS_STORED = "rows_stored"
    # The generator itself.
    GENERATOR_THROTTLED = "generator_throttled"
    # The target under load.
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    SERVICE_UNAVAILABLE = "service_unavailable"
    OUT_OF_MEMORY = "out_of_memory"
    UPLOAD_FOLDER = "upload_folder"
    CLIENT_ERROR = "client_error"
    MEMORY_GROWING = "memory_growing"
    HIGH_ERROR_RATE = "high_error_rate"
    # A proxy in the way.
    PROXY_BODY_LIMIT = "proxy_body_limit"
    PROXY_BAD_GATEWAY = "proxy_bad_gateway"
    PROXY_UNAVAILABLE = "proxy_unavailable"
    PROXY_TIMEOUT = "proxy_timeout"
    PROXY_REFUSED = "proxy_refused"
    BODY_TOO_SLOW = "body_too_slow"

    @property
    def explanation(self) -> "Explanation":
        """What people are told of it."""
        return EXPLANATIONS[self]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A cause in a few words, in a sentence or two, and what to do about it, naming the setting or the field."""

    title: str
    meaning: str
    next_step: str


EXPLANATIONS: Final = {
    Cause.CONNECTION_REFUSED: Explanation(
        "Connection refused",
        "Nobody listens at the address and port, or a firewall says so. No request was sent; CORS settings have no"
        " part in it, they bind browsers only.",
        "Check the port in spec.target.url, that the target runs and listens on all its addresses (gunicorn --bind"
        " 0.0.0.0:8000, not 127.0.0.1), and that no NetworkPolicy keeps the generator away.",
    ),
    Cause.NAME_NOT_RESOLVED: Explanation(
        "The name does not resolve",
        "DNS knows no address for the host in the URL.",
        "Check the host in spec.target.url; a Service of another namespace is written SERVICE.NAMESPACE.svc.",
    ),
    Cause.CONNECT_TIMEOUT: Explanation(
        "No connection in time",
        "The address did not answer at all: packets are dropped on the way, or the target's queue of new connections"
        " is full.",
        "Check the address and that no NetworkPolicy or firewall drops the packets; under load give the target more"
        " workers (gunicorn --workers, --backlog) or lower spec.load.virtualUsers.",
    ),
    Cause.ADDRESS_NOT_ALLOWED: Explanation(
        "The address is not allowed",
        "The installation's address policy forbids connections to this address.",
        "Choose another target, or ask whoever runs the operator to allow its network.",
    ),
    Cause.ADDRESSES_VANISHED: Explanation(
        "No address is left",
        "Every proven address of the target vanished while the load ran.",
        "Look at the pods behind the target's Service: whether they were restarted, moved or scaled down.",
    ),
    Cause.NO_SOCKET: Explanation(
        "The generator has no socket left",
        "The generator's own system had no port or file for a further connection, or has no address of the target's"
        " kind (IPv6) itself. The target saw nothing of it.",
        "Use connections again (spec.target.connections: Kept), share the load among more pods (spec.parallelism), or"
        " raise the limit on open files.",
    ),
    Cause.TLS_CERTIFICATE: Explanation(
        "The certificate is not trusted",
        "The target speaks TLS, but its certificate is expired, made for another name, or signed by an authority that"
        " is not known here.",
        "Name the authority's certificate in spec.target.tls, use the host that the certificate was made for in"
        " spec.target.url (or spec.target.tls.serverName), and renew it where it has expired.",
    ),
    Cause.TLS_CLIENT_CERTIFICATE: Explanation(
        "A client certificate is wanted",
        "The target asks for a client certificate and was shown none, or one that it does not trust.",
        "Show one by spec.target.tls.clientCertificateSecretRef, certificate and key, signed by the authority that"
        " the target trusts.",
    ),
    Cause.TLS_NOT_SPOKEN: Explanation(
        "The port does not speak TLS",
        "The URL says https, but what answers at the port is something else, most often plain HTTP.",
        "Write http:// in spec.target.url, or the port that serves TLS.",
    ),
    Cause.TLS_FAILED: Explanation(
        "The TLS handshake failed",
        "A connection was made, but both sides could not agree on TLS.",
        "Check that the port speaks TLS 1.2 or newer, and that the certificate is valid for the host in"
        " spec.target.url and signed by an authority that is known here (spec.target.tls names further ones).",
    ),
    Cause.TLS_SETTINGS: Explanation(
        "The certificates cannot be used",
        "What spec.target.tls names could not be read, or is no certificate in PEM.",
        "Check what spec.target.tls names: that it can be read and is PEM (in a Secret or ConfigMap under the keys"
        " ca.crt, tls.crt, tls.key), and that the key belongs to the certificate.",
    ),
    Cause.TLS_EXPECTED: Explanation(
        "The port wants TLS",
        "The URL says http, but the port serves https.",
        "Write https:// in spec.target.url.",
    ),
    Cause.TIMED_OUT: Explanation(
        "No answer in time",
        "The upload was sent or under way, and no complete answer came within spec.target.timeout. Whether the rows"
        " were processed is unknown.",
        "Check that the target answers an upload of this size by hand; raise spec.target.timeout if it may take"
        " longer, give the target more workers, or lower spec.load.batchSize or spec.load.virtualUsers.",
    ),
    Cause.CONNECTION_RESET: Explanation(
        "The connection was cut",
        "The connection was lost before a complete answer. Whether the rows were processed is unknown.",
        "Look into the log of the target and of the proxies before it: a worker that crashed, was killed for its"
        " memory (OOMKilled; of a worker alone only gunicorn's log tells: 'Perhaps out of memory?'), or has a shorter"
        " time-out than spec.target.timeout.",
    ),
    Cause.STALE_CONNECTION: Explanation(
        "A kept connection was closed",
        "The target closed an idle connection just when it was used again, before any answer.",
        "Raise the target's keep-alive (gunicorn --keep-alive, nginx keepalive_timeout) above one second, or set"
        " spec.target.connections to PerUpload.",
    ),
    Cause.NOT_HTTP: Explanation(
        "What answers is not HTTP",
        "The port answers with something that is no HTTP answer.",
        "Check scheme and port of spec.target.url.",
    ),
    Cause.WORKER_TIMEOUT: Explanation(
        "Workers are killed at gunicorn's time-out",
        "Uploads end after the same time again and again, in an error page of gunicorn's own or in nothing, as they do"
        " when gunicorn kills a worker that is silent for longer than its time-out (30 s by default); its log says"
        " WORKER TIMEOUT.",
        "Raise gunicorn's --timeout above the longest upload, or make the view faster; lower spec.load.batchSize or"
        " spec.load.virtualUsers if the load is more than the target is meant for.",
    ),
    Cause.WORKER_KILLED: Explanation(
        "The process died on a large upload",
        "The target took the whole file, larger than any that it accepted before, and then closed the connection"
        " without an answer, as when the kernel kills a worker for its memory. Where only a worker dies, its container"
        " lives on: Kubernetes shows neither a restart nor OOMKilled.",
        "Look for memory first: gunicorn's log says 'was sent SIGKILL! Perhaps out of memory?'. Raise the target's"
        " memory limit, have the view read the file row by row, run fewer workers, or lower spec.load.batchSize. Else"
        " look for a crash in its log.",
    ),
    Cause.TARGET_CRASHED: Explanation(
        "The target went down under load",
        "Uploads were cut and connections refused after others had been accepted: the process ended, most often killed"
        " for its memory.",
        "Look for OOMKilled (kubectl describe pod) or a crash in the target's log; raise its memory limit, lower"
        " spec.load.batchSize or spec.load.virtualUsers, and have the view read the file row by row.",
    ),
    Cause.PODS_LEFT: Explanation(
        "Pods of the target left with uploads on their way",
        "Pods were taken out of the target's Service (a rollout, scaling down, an eviction), and refused or cut uploads"
        " at their end: they had stopped before everybody knew that they leave. Other clients of the Service meet the"
        " same.",
        "Give the target's pods a preStop hook that waits some seconds (lifecycle.preStop.sleep), let them finish what"
        " they have begun (gunicorn --graceful-timeout and terminationGracePeriodSeconds above the longest upload), and"
        " have a readinessProbe that new pods pass only when they can serve.",
    ),
    Cause.TOKEN_EXPIRED: Explanation(
        "The token has expired",
        "The target knows the token, but its time is over.",
        "Put a fresh token into what spec.target.auth names (it is read again while the load runs), with a lifetime"
        " beyond the load's end, or let spec.target.auth.login renew it.",
    ),
    Cause.TOKEN_EXPIRES_EARLY: Explanation(
        "The token expires before the load ends",
        "The token's exp lies before the planned end of the load.",
        "Put a token into what spec.target.auth names that is valid until the load is over, let"
        " spec.target.auth.login renew it, or shorten spec.load.duration.",
    ),
    Cause.TOKEN_MISSING: Explanation(
        "A token is wanted",
        "The target wants to know who uploads, and no token was sent, or none could be read.",
        "Set spec.target.auth, and check that what it names can be read and holds the token.",
    ),
    Cause.TOKEN_SCHEME: Explanation(
        "The token's scheme is wrong",
        "A token was sent, but the target looks for another word before it in the Authorization header.",
        "Set spec.target.auth.scheme to the word that the target wants: Bearer for most JWT libraries, Token for DRF's"
        " TokenAuthentication, JWT for some.",
    ),
    Cause.TOKEN_REFUSED: Explanation(
        "The token is not accepted",
        "The target does not accept the token: wrong signature, wrong audience, an unknown or disabled user.",
        "Check the token that spec.target.auth names: that it was made for this target, is whole and has not been"
        " revoked, and that the scheme before it is the word that the target wants (Bearer, or Token for DRF).",
    ),
    Cause.LOGIN_FAILED: Explanation(
        "The log-in gives no token",
        "Name and password were posted to spec.target.auth.login, and no token came back.",
        "Check spec.target.auth.login: that name and password are right, the fields and the format those that the"
        " log-in view reads, and the token's path the one that it answers; try the log-in by hand.",
    ),
    Cause.PERMISSION_DENIED: Explanation(
        "The token's owner may not upload",
        "The target knows who uploads and does not let them (403). Django answers 403 also where a CSRF token is"
        " wanted, then the answer says CSRF.",
        "Give the token's owner the right to upload (Django permissions, DRF permission_classes), or use the token of"
        " somebody who has it.",
    ),
    Cause.CSRF: Explanation(
        "Django wants a CSRF token",
        "The view is protected against cross-site requests of browsers, and the upload carries no CSRF token. It is no"
        " question of permissions.",
        "Check that spec.target.url is the upload view. Mark it with csrf_exempt (it takes a token, not a session), or"
        " in DRF use TokenAuthentication or JWT instead of SessionAuthentication.",
    ),
    Cause.CORS: Explanation(
        "Refused, with CORS headers in the answer",
        "CORS does not concern this client: its rules are kept by browsers, and the generator sends no Origin and no"
        " preflight. Something else refused the upload.",
        "Leave the CORS settings (CORS_ALLOWED_ORIGINS) as they are; look for what refuses the request itself: the"
        " rights of the token's owner, the method that the URL takes, the answer's text. Remove an Origin from"
        " spec.target.headers.",
    ),
    Cause.HOST_NOT_ALLOWED: Explanation(
        "Django does not know the host",
        "Django answers 400 to a Host header that is not in ALLOWED_HOSTS, which a Service's name usually is not"
        " (DisallowedHost in its log).",
        "Add the host in spec.target.url to ALLOWED_HOSTS, or set spec.target.host to a name that is in it.",
    ),
    Cause.WRONG_URL: Explanation(
        "Nothing is at this path",
        "The target answers, but knows no such path (404).",
        "Check the path in spec.target.url, its closing slash included.",
    ),
    Cause.METHOD_NOT_ALLOWED: Explanation(
        "The URL takes no POST",
        "There is a view at this path, but it takes other methods only (405).",
        "Check the path in spec.target.url: it must be the view that takes the upload, not a list or a form; add POST"
        " to its methods (require_http_methods, DRF's @api_view) where it is that view.",
    ),
    Cause.SLASH_MISSING: Explanation(
        "The URL lacks its closing slash",
        "Django's APPEND_SLASH sends clients on to the same path with a slash at its end; with DEBUG on it fails"
        " instead (RuntimeError). A redirected POST loses its file.",
        "Write spec.target.url with its closing slash.",
    ),
    Cause.HTTPS_REDIRECT: Explanation(
        "Redirected to https",
        "The target, or a proxy before it, sends plain HTTP on to https: in Django SECURE_SSL_REDIRECT.",
        "Use https in spec.target.url; where TLS ends at a proxy, address the proxy, or set SECURE_PROXY_SSL_HEADER and"
        " have X-Forwarded-Proto sent by spec.target.headers.",
    ),
    Cause.HOST_REDIRECT: Explanation(
        "Redirected to another host",
        "The target sends clients on to its canonical name (PREPEND_WWW, or a rule of a proxy).",
        "Write the name in the answer's Location into spec.target.url, or set spec.target.host to it.",
    ),
    Cause.LOGIN_REDIRECT: Explanation(
        "Redirected to a log-in page",
        "The view wants a logged-in user (login_required) and sends everybody else to a page for people.",
        "Set spec.target.auth, and have the upload view take a token instead of a session.",
    ),
    Cause.REDIRECTED: Explanation(
        "Redirected",
        "The answer sends the client elsewhere. A view that stores and then redirects does not honour X-Load-Test, so a"
        " redirect counts as a violation.",
        "Give the URL that answers without a redirect: with its closing slash (Django's APPEND_SLASH) and the right"
        " scheme (SECURE_SSL_REDIRECT); a view that redirects after an upload must answer load tests with JSON.",
    ),
    Cause.BODY_LIMIT: Explanation(
        "The upload is too large",
        "Something on the way to the view takes no body of this size (413).",
        "Raise the body limit of the target and of each proxy before it (nginx: client_max_body_size; Django:"
        " DATA_UPLOAD_MAX_MEMORY_SIZE, where the view reads request.body), or lower spec.load.batchSize.",
    ),
    Cause.DJANGO_BODY_LIMIT: Explanation(
        "Django's limit on the body",
        "Django answers 400 (RequestDataTooBig) to form data above DATA_UPLOAD_MAX_MEMORY_SIZE, 2.5 MB by default."
        " Files do not count, unless the view or a middleware reads request.body.",
        "Raise DATA_UPLOAD_MAX_MEMORY_SIZE, read request.FILES instead of request.body, or lower spec.load.batchSize.",
    ),
    Cause.TOO_MANY_FIELDS: Explanation(
        "Too many form fields",
        "Django answers 400 to forms with more fields than DATA_UPLOAD_MAX_NUMBER_FIELDS (1,000 by default) or more"
        " files than DATA_UPLOAD_MAX_NUMBER_FILES.",
        "Send fewer spec.target.formFields, or raise DATA_UPLOAD_MAX_NUMBER_FIELDS.",
    ),
    Cause.WRONG_FILE_FIELD: Explanation(
        "The file is in the wrong form field",
        "The view looks for the file, or another form field, under a name that the upload does not have (in Django"
        " MultiValueDictKeyError, or an answer such as 'No file was submitted').",
        "Set spec.target.fileField to the name that the view reads from request.FILES, and spec.target.formFields to"
        " the other fields that it wants.",
    ),
    Cause.WRONG_CONTENT_TYPE: Explanation(
        "The content type is not taken",
        "The view takes no multipart/form-data, or not this type of file (415).",
        "Add MultiPartParser to the view's parser_classes (DRF), or check spec.target.format.",
    ),
    Cause.FILE_REFUSED: Explanation(
        "The target refuses the file",
        "The upload arrived, and the target's own checks say no: to a column, a value, the format or the file name.",
        "Read the target's answer: check spec.target.fileField, spec.target.formFields, spec.target.format, and the"
        " columns that it expects (spec.records). Where it is an answer of Django itself and not of the view, the host"
        " may be missing in ALLOWED_HOSTS.",
    ),
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
        "Look at the branch that answers load tests, and at signals and tasks that it starts. Remove the rows that are"
        " named.",
    ),
    Cause.GENERATOR_THROTTLED: Explanation(
        "The generator's CPU limit is too low",
        "The kernel kept the generator from the CPU for most of the time, as its limit says, so it could not connect,"
        " send or read before its own time-outs. That says nothing of the target.",
        "Raise spec.pod.resources.limits.cpu to 1 at least, or remove the limit, and run again. Only where uploads"
        " time out then as well, look at the target and at NetworkPolicies.",
    ),
    Cause.THROTTLED: Explanation(
        "The target throttles",
        "The target or a proxy allows only so many requests (429).",
        "Raise the limit for the token's owner (DRF: DEFAULT_THROTTLE_RATES) or for the generator's addresses, or lower"
        " spec.load.virtualUsers; spec.load.thinkTime spaces the uploads of each user.",
    ),
    Cause.SERVER_ERROR: Explanation(
        "The target failed",
        "The view or what it needs failed on this upload (5xx). Whether rows were stored before that is not known.",
        "Look into the target's log for the traceback. A view that fails on every upload often reads another form field"
        " (spec.target.fileField) or other columns (spec.records) than are sent.",
    ),
    Cause.SERVICE_UNAVAILABLE: Explanation(
        "The target is not available",
        "The target itself answers 503: overloaded, in maintenance, or without its database.",
        "Look into the target's log; lower spec.load.virtualUsers if it sheds load on purpose.",
    ),
    Cause.OUT_OF_MEMORY: Explanation(
        "The target runs out of memory",
        "The view ran out of memory on this upload (MemoryError).",
        "Raise the target's memory, have the view read the file row by row instead of as a whole, or lower"
        " spec.load.batchSize or spec.load.virtualUsers.",
    ),
    Cause.UPLOAD_FOLDER: Explanation(
        "Large uploads have no place to go",
        "Django keeps files up to FILE_UPLOAD_MAX_MEMORY_SIZE (2.5 MB) in memory and writes larger ones to"
        " FILE_UPLOAD_TEMP_DIR; it fails where that folder is missing, read-only or full.",
        "Set FILE_UPLOAD_TEMP_DIR to a folder that the target can write to (in a pod with a read-only root an emptyDir"
        " at /tmp) and that has room for all uploads at once. Where the target's log shows no such error, look for a"
        " limit on bodies in a proxy, for OOMKilled, and for 'Perhaps out of memory?' in gunicorn's log.",
    ),
    Cause.CLIENT_ERROR: Explanation(
        "The target rejects the upload",
        "A complete answer that says no (4xx), for a reason that is not known here.",
        "Read the target's answer, and look into its log.",
    ),
    Cause.MEMORY_GROWING: Explanation(
        "The target's memory grows",
        "The target held more and more memory while the load ran; it ends in a kill if that goes on.",
        "Look for what the view keeps after its answer (caches, lists that only grow); have it read the file row by"
        " row, raise the target's memory, have gunicorn replace its workers now and then (--max-requests), or lower"
        " spec.load.batchSize.",
    ),
    Cause.HIGH_ERROR_RATE: Explanation(
        "High error rate",
        "More than one upload in a hundred was not accepted.",
        "Look at the causes listed with it and into the target's log, check that the view honours X-Load-Test on every"
        " path, and lower spec.load.virtualUsers to find the load that it carries.",
    ),
    Cause.PROXY_BODY_LIMIT: Explanation(
        "The proxy's limit on the body",
        "A proxy before the target takes no body of this size (413); the upload never reached the target.",
        "Raise the proxy's limit (nginx: client_max_body_size, 1 MB by default; ingress-nginx: the annotation"
        " nginx.ingress.kubernetes.io/proxy-body-size), or lower spec.load.batchSize.",
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
        " addresses, or lower spec.load.virtualUsers.",
    ),
    Cause.PROXY_TIMEOUT: Explanation(
        "The proxy's time-out",
        "A proxy gave up waiting for the target (504); the target may have gone on, so whether rows were processed is"
        " not known.",
        "Raise the proxy's time-out (nginx: proxy_read_timeout, 60 s by default; ingress-nginx: the annotation"
        " nginx.ingress.kubernetes.io/proxy-read-timeout; Envoy and Istio: the route's timeout) above the longest"
        " upload, or make the view faster.",
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

_BY_KIND: Final = {
    ErrorKind.REFUSED: Cause.CONNECTION_REFUSED,
    ErrorKind.DNS: Cause.NAME_NOT_RESOLVED,
    ErrorKind.TLS: Cause.TLS_FAILED,
    ErrorKind.CONNECT_TIMEOUT: Cause.CONNECT_TIMEOUT,
    ErrorKind.NO_ADDRESS: Cause.ADDRESSES_VANISHED,
    ErrorKind.NO_SOCKET: Cause.NO_SOCKET,
    ErrorKind.UNAUTHORIZED: Cause.TOKEN_REFUSED,
    ErrorKind.FORBIDDEN: Cause.PERMISSION_DENIED,
    ErrorKind.NOT_FOUND: Cause.WRONG_URL,
    ErrorKind.TOO_LARGE: Cause.BODY_LIMIT,
    ErrorKind.THROTTLED: Cause.THROTTLED,
    ErrorKind.CLIENT_ERROR: Cause.CLIENT_ERROR,
    ErrorKind.SERVER_ERROR: Cause.SERVER_ERROR,
    ErrorKind.UNSUCCESSFUL: Cause.FILE_REFUSED,
    ErrorKind.MISCOUNTED: Cause.ROWS_MISCOUNTED,
    ErrorKind.TIMEOUT: Cause.TIMED_OUT,
    ErrorKind.RESET: Cause.CONNECTION_RESET,
    ErrorKind.STALE_CONNECTION: Cause.STALE_CONNECTION,
    ErrorKind.BAD_ANSWER: Cause.NOT_HTTP,
    ErrorKind.MARKER_MISSING: Cause.MARKER_MISSING,
    ErrorKind.NONCE_MISSING: Cause.NONCE_NOT_ECHOED,
    ErrorKind.REDIRECT: Cause.REDIRECTED,
}


def cause_of(kind: ErrorKind) -> Cause | None:
    """What a kind of error alone tells of its cause; None of an upload that we cut ourselves."""
    return _BY_KIND.get(kind)
