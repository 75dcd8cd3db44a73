"""The example's settings with further URLs, and a limit on bodies that small uploads reach."""

from config.settings import *  # noqa: F403 - all of the example's settings are wanted

ROOT_URLCONF = "misconfigured.urls"
DATA_UPLOAD_MAX_MEMORY_SIZE = 50_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
