"""Settings of the project; what differs between installations comes from the environment."""

import os
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from config.database import database_from_environment

BASE_DIR = Path(__file__).resolve().parent.parent


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


DEBUG = _flag("DEBUG")

# Nothing here signs anything that outlives the process, so a key of the moment is safe where none is set.
SECRET_KEY = os.environ.get("SECRET_KEY") or get_random_secret_key()

# Django answers 400 to a Host header that is not listed. The two suffixes match a Service of any name in any
# namespace by its full name (`clients.shop.svc`, `clients.shop.svc.cluster.local`), which nobody outside the
# cluster can be sent to; a short name (`clients`) or a pod's address has to be listed, see manifests.yaml.
_LOCAL_AND_SERVICES = "localhost,127.0.0.1,[::1],.svc,.svc.cluster.local"
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", _LOCAL_AND_SERVICES).split(",")

# No users, sessions or admin: who may upload is decided by the token alone (clients/auth.py).
INSTALLED_APPS = ["clients"]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
]

# Load tests go through the guard (docs/django-guard.md), in the mode rollback or readonly. It admits who has a token or
# comes from one of the networks. With `off` the view's own branch honours the header, for anybody (clients/views.py).
LOAD_TEST_GUARD = os.environ.get("LOAD_TEST_GUARD", "rollback")
HAS_GUARD = LOAD_TEST_GUARD != "off"
LOAD_TEST_NETWORKS = os.environ.get("LOAD_TEST_NETWORKS", "127.0.0.0/8,::1/128")
if HAS_GUARD:
    INSTALLED_APPS += ["loadtest_guard"]
    MIDDLEWARE = ["loadtest_guard.middleware.LoadTestGuardMiddleware", *MIDDLEWARE]
    LOADTEST_GUARD = {
        "ENABLED": True,
        "MODE": LOAD_TEST_GUARD,
        "NETWORKS": [network for network in LOAD_TEST_NETWORKS.split(",") if network],
        "READ_BACK": ["clients.Client"],
    }

# Behind a proxy that ends TLS this needs SECURE_PROXY_SSL_HEADER too, or every request is redirected for ever. Probes
# come to the pod itself, over plain HTTP.
SECURE_SSL_REDIRECT = _flag("SECURE_SSL_REDIRECT")
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"

DATABASES = {"default": database_from_environment(os.environ, BASE_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# A file of 10,000 clients is about 2 MB and stays in memory; a larger one goes to FILE_UPLOAD_TEMP_DIR, which
# must be writable. DATA_UPLOAD_MAX_MEMORY_SIZE leaves files out of account, so neither refuses a large file.
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
FILE_UPLOAD_TEMP_DIR = os.environ.get("FILE_UPLOAD_TEMP_DIR")
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# With a secret, uploads and counts need a bearer token signed with it (HS256); without one they are open.
JWT_SECRET = os.environ.get("JWT_SECRET", "")

# With a password too, POST /api/token/ gives such a token to the one user there is (clients/login.py).
LOGIN_USERNAME = os.environ.get("LOGIN_USERNAME", "loadtest")
LOGIN_PASSWORD = os.environ.get("LOGIN_PASSWORD", "")
TOKEN_SECONDS = float(os.environ.get("TOKEN_SECONDS", "300"))

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-ca"
USE_I18N = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "clients": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
        "loadtest_guard": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
    },
}
