"""What failures of connections and of answers mean."""

from typing import Final

from loadtest_model.explanations.explanation import OR_LOWER_USERS, Explanation
from loadtest_model.measurement.causes import Cause

NO_CONNECTION: Final = {
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
        " workers (gunicorn --workers, --backlog).",
        advice_for_several_users=OR_LOWER_USERS,
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
    Cause.TLS_SETTINGS: Explanation(
        "The certificates cannot be used",
        "What spec.target.tls names could not be read, or is no certificate in PEM.",
        "Check what spec.target.tls names: that it can be read and is PEM (in a Secret or ConfigMap under the keys"
        " ca.crt, tls.crt, tls.key), and that the key belongs to the certificate.",
    ),
    Cause.TLS_NOT_SPOKEN: Explanation(
        "The port does not speak TLS",
        "The URL says https, but what answers at the port is something else, most often plain HTTP.",
        "Write http:// in spec.target.url, or the port that serves TLS.",
    ),
    Cause.TLS_EXPECTED: Explanation(
        "The port wants TLS",
        "The URL says http, but the port serves https.",
        "Write https:// in spec.target.url.",
    ),
    Cause.TLS_FAILED: Explanation(
        "The TLS handshake failed",
        "A connection was made, but both sides could not agree on TLS.",
        "Check that the port speaks TLS 1.2 or newer, and that the certificate is valid for the host in"
        " spec.target.url and signed by an authority that is known here (spec.target.tls names further ones).",
    ),
}

NO_COMPLETE_ANSWER: Final = {
    Cause.TIMED_OUT: Explanation(
        "No answer in time",
        "The upload was sent or under way, and no complete answer came within spec.target.timeout. Whether the rows"
        " were processed is unknown.",
        "Check that the target answers an upload of this size by hand; raise spec.target.timeout if it may take"
        " longer, give the target more workers, or lower spec.load.batchSize.",
        advice_for_several_users=OR_LOWER_USERS,
    ),
    Cause.CONNECTION_RESET: Explanation(
        "The connection was cut",
        "The connection was lost before a complete answer. Whether the rows were processed is unknown.",
        "Look into the log of the target and of the proxies before it: a worker that crashed, was killed for its"
        " memory (OOMKilled; of a worker alone only gunicorn's log tells: 'Perhaps out of memory?'), or has a shorter"
        " time-out than spec.target.timeout.",
    ),
    Cause.WORKER_TIMEOUT: Explanation(
        "Workers are killed at gunicorn's time-out",
        "Uploads end after the same time again and again, in an error page of gunicorn's own or in nothing, as they do"
        " when gunicorn kills a worker that is silent for longer than its time-out (30 s by default); its log says"
        " WORKER TIMEOUT.",
        "Raise gunicorn's --timeout above the longest upload, or make the view faster; lower spec.load.batchSize if"
        " the load is more than the target is meant for.",
        advice_for_several_users=OR_LOWER_USERS,
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
        " spec.load.batchSize, and have the view read the file row by row.",
        advice_for_several_users=OR_LOWER_USERS,
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
    Cause.STALE_CONNECTION: Explanation(
        "A kept connection was closed",
        "The target closed an idle connection just when it was used again, before any answer.",
        "Raise the target's keep-alive (gunicorn --keep-alive, nginx keepalive_timeout) above one second, or set"
        " spec.target.connections to PerUpload.",
    ),
    Cause.HTTP2_ONLY: Explanation(
        "The port speaks HTTP/2 only",
        "The generator uploads over HTTP/1.1, and what answers at the port speaks only HTTP/2: in plain text (h2c), as"
        " servers for gRPC do, or over TLS, where it refuses every other protocol (ALPN).",
        "Let the target speak HTTP/1.1 beside HTTP/2 at this port, or write the port that does into spec.target.url; a"
        " proxy before it can translate.",
    ),
    Cause.NOT_HTTP: Explanation(
        "What answers is not HTTP",
        "The port answers with something that is no HTTP answer.",
        "Check scheme and port of spec.target.url.",
    ),
}
