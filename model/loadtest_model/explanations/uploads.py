"""What failures of who uploads, where to, and what mean."""

from typing import Final

from loadtest_model.explanations.explanation import Explanation
from loadtest_model.measurement.causes import Cause

AUTHENTICATION: Final = {
    Cause.TOKEN_MISSING: Explanation(
        "A token is wanted",
        "The target wants to know who uploads, and no token was sent, or none could be read.",
        "Set spec.target.auth, and check that what it names can be read and holds the token. The guard for Django"
        " (load_test_refused) wants the token of manage.py loadtest_token, and LoadTest as spec.target.auth.scheme. A"
        " token for a header of another name goes into spec.target.headersFrom.",
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
    Cause.TOKEN_SCHEME: Explanation(
        "The token's scheme is wrong",
        "A token was sent, but the target looks for another word before it in the Authorization header.",
        "Set spec.target.auth.scheme to the word that the target wants: Bearer for most JWT libraries, Token for DRF's"
        " TokenAuthentication, JWT for some, LoadTest for the guard for Django (load_test_refused), whose token comes"
        " from manage.py loadtest_token. If a guarded service wants a token of its own too, the guard's goes into"
        " spec.target.headersFrom, as Load-Test-Token.",
    ),
    Cause.TOKEN_REFUSED: Explanation(
        "The token is not accepted",
        "The target does not accept the token: wrong signature, wrong audience, an unknown or disabled user.",
        "Check the token that spec.target.auth names: that it was made for this target, is whole and has not been"
        " revoked, and that spec.target.auth.scheme is the word that the target wants before it (Bearer, Token for DRF,"
        " LoadTest for the guard for Django, whose token comes from manage.py loadtest_token). The same applies to"
        " the tokens in spec.target.headersFrom.",
    ),
    Cause.LOGIN_FAILED: Explanation(
        "The log-in gives no token",
        "Name and password were posted to spec.target.auth.login, and no token came back.",
        "Check spec.target.auth.login: that name and password are right, the fields and the format those that the"
        " log-in view reads, and the token's path the one that it answers; try the log-in by hand.",
    ),
    Cause.CSRF: Explanation(
        "Django wants a CSRF token",
        "The view is protected against cross-site requests of browsers, and the upload carries no CSRF token. It is no"
        " question of permissions.",
        "Check that spec.target.url is the upload view. Mark it with csrf_exempt (it takes a token, not a session), or"
        " in DRF use TokenAuthentication or JWT instead of SessionAuthentication.",
    ),
    Cause.PERMISSION_DENIED: Explanation(
        "The token's owner may not upload",
        "The target knows who uploads and does not let them (403). Django answers 403 also where a CSRF token is"
        " wanted, then the answer says CSRF.",
        "Give the token's owner the right to upload (Django permissions, DRF permission_classes), or use the token of"
        " somebody who has it.",
    ),
    Cause.CORS: Explanation(
        "Refused, with CORS headers in the answer",
        "CORS does not concern this client: its rules are kept by browsers, and the generator sends no Origin and no"
        " preflight. Something else refused the upload.",
        "Leave the CORS settings (CORS_ALLOWED_ORIGINS) as they are; look for what refuses the request itself: the"
        " rights of the token's owner, the method that the URL takes, the answer's text. Remove an Origin from"
        " spec.target.headers.",
    ),
}

DESTINATION: Final = {
    Cause.HOST_NOT_ALLOWED: Explanation(
        "Django does not know the host",
        "Django answers 400 to a Host header that is not in ALLOWED_HOSTS, which a Service's name usually is not"
        " (DisallowedHost in its log).",
        "Add the host in spec.target.url to ALLOWED_HOSTS, or set spec.target.host to a name that is in it.",
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
}

UPLOADED_CONTENT: Final = {
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
    Cause.BODY_LIMIT: Explanation(
        "The upload is too large",
        "Something on the way to the view takes no body of this size (413).",
        "Raise the body limit of the target and of each proxy before it (nginx: client_max_body_size; Django:"
        " DATA_UPLOAD_MAX_MEMORY_SIZE, where the view reads request.body), or lower spec.load.batchSize.",
    ),
    Cause.SIZE_CUT: Explanation(
        "Uploads of this size are cut",
        "Smaller uploads were accepted, and the first one of this size was cut before it was sent whole, without an"
        " answer. A proxy with a limit on bodies, or a firewall, does that; the target may never have seen the"
        " upload.",
        "Look for a limit on bodies in each proxy before the target (nginx: client_max_body_size, 1 MB by default;"
        " ingress-nginx: the annotation nginx.ingress.kubernetes.io/proxy-body-size; a web application firewall), and"
        " raise it, or lower spec.load.batchSize. Else look into the target's log for a worker that ended, or an upload"
        " folder that is full.",
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
}
