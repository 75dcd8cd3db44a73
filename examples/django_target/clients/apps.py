"""The app's configuration."""

from django.apps import AppConfig


class ClientsConfig(AppConfig):
    """Clients and their upload as files."""

    name = "clients"
