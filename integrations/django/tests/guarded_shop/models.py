"""What the project stores."""

from django.db import models


class Customer(models.Model):
    """One row of an upload."""

    number = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=100, blank=True)
    photo = models.FileField(upload_to="photos", blank=True)

    class Meta:
        app_label = "guarded_shop"


class Audit(models.Model):
    """A row in the second database."""

    text = models.CharField(max_length=100)

    class Meta:
        app_label = "guarded_shop"


class Router:
    """Audits live in the database `second`."""

    def db_for_read(self, model: type[models.Model], **_: object) -> str:
        return "second" if model is Audit else "default"

    db_for_write = db_for_read
