"""How many examples each law is tried on; the machine's speed must not decide a test.

What gates a change tries the same examples each time (HYPOTHESIS_PROFILE=gate), so that a law that was broken before
does not stop a change that left it alone. By hand each run tries others.
"""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("laws", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("gate", settings.get_profile("laws"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "laws"))
