"""How many examples each law is tried on; the machine's speed must not decide a test."""

from hypothesis import HealthCheck, settings

settings.register_profile("laws", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laws")
