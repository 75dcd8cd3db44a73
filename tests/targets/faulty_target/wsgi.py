"""The WSGI application: the example's, with the fault that the environment names."""

import os

from django.core.wsgi import get_wsgi_application

from faulty_target.faults import FaultSettings, with_fault

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = with_fault(
    get_wsgi_application(),
    os.environ.get("FAULT", ""),
    FaultSettings.from_environment(os.environ),
)
