"""The client, as it is stored and as an uploaded file names its columns."""

from django.db import models


class Province(models.TextChoices):
    """Canada's provinces and territories by their postal abbreviation."""

    AB = "AB", "Alberta"
    BC = "BC", "British Columbia"
    MB = "MB", "Manitoba"
    NB = "NB", "New Brunswick"
    NL = "NL", "Newfoundland and Labrador"
    NS = "NS", "Nova Scotia"
    NT = "NT", "Northwest Territories"
    NU = "NU", "Nunavut"
    ON = "ON", "Ontario"
    PE = "PE", "Prince Edward Island"
    QC = "QC", "Quebec"
    SK = "SK", "Saskatchewan"
    YT = "YT", "Yukon"


class Language(models.TextChoices):
    """The official languages."""

    ENGLISH = "en", "English"
    FRENCH = "fr", "French"


class Status(models.TextChoices):
    """Where a client stands."""

    ACTIVE = "active", "Active"
    INACTIVE = "inactive", "Inactive"
    PENDING = "pending", "Pending"
    SUSPENDED = "suspended", "Suspended"


class Client(models.Model):
    """One client of the company; client_id and e-mail are unique."""

    client_id = models.CharField(max_length=64, unique=True)
    first_name = models.CharField(max_length=100)
    last_name = models.CharField(max_length=100)
    email = models.EmailField(unique=True)
    phone = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    province = models.CharField(max_length=2, choices=Province, blank=True)
    postal_code = models.CharField(max_length=7, blank=True)
    date_of_birth = models.DateField(null=True, blank=True)
    language = models.CharField(max_length=2, choices=Language, default=Language.ENGLISH)
    status = models.CharField(max_length=16, choices=Status, default=Status.ACTIVE)
    balance = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        """Name and id."""
        return f"{self.first_name} {self.last_name} ({self.client_id})"
