"""`manage.py loadtest_fields`: its columns are read by loadgen itself, and their values are taken by the model."""

import csv
import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models

from loadgen.formats import file_format
from loadgen.records import Composer, RecordSpace, load_pools, refuse_unmakeable
from loadtest_guard.code_patterns import pattern_of
from loadtest_guard.model_fields import CLIENT_LENGTHS, column_of
from loadtest_model.plan.columns import columns_of
from loadtest_model.plan.records import RecordsPlan, plan_records
from loadtest_model.spec.records import Fields, Records
from loadtest_model.spec.records_template import read_template
from loadtest_model.spec.target import Format

ROWS = 300


class Account(models.Model):
    """One field of each kind, none of them named as the synthetic clients' columns are but for two."""

    number = models.CharField(max_length=20, unique=True)
    given_name = models.CharField(max_length=100)
    telephone = models.CharField(max_length=20)
    contact = models.EmailField(unique=True)
    site = models.URLField()
    plan = models.CharField(max_length=10, choices=[("free", "Free"), ("pro", "Professional")])
    grade = models.IntegerField(choices=[(1, "one"), (2, "two")])
    short = models.CharField(max_length=3)
    shelf = models.CharField(max_length=8, validators=[RegexValidator(r"^[A-Z]{2}-\d{3,5}$")])
    sscc = models.CharField(max_length=18, unique=True, validators=[RegexValidator(r"\A[0-9]{18}\Z")])
    remarks = models.TextField(blank=True)
    slug = models.SlugField(max_length=30)
    is_active = models.BooleanField()
    visits = models.PositiveIntegerField(validators=[MaxValueValidator(50)])
    level = models.SmallIntegerField(validators=[MinValueValidator(-5), MaxValueValidator(5)])
    serial = models.BigIntegerField(unique=True)
    balance = models.DecimalField(max_digits=7, decimal_places=3)
    share = models.DecimalField(max_digits=5, decimal_places=2, validators=[MaxValueValidator(1)])
    weight = models.FloatField()
    born = models.DateField(null=True)
    seen = models.DateTimeField()
    opens = models.TimeField()
    lasts = models.DurationField()
    key = models.UUIDField(unique=True)
    extra = models.JSONField()
    address = models.GenericIPAddressField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "guarded_shop"
        managed = False


class Odd(models.Model):
    """What columns cannot fill by themselves."""

    owner = models.ForeignKey(Account, on_delete=models.CASCADE)
    code = models.CharField(max_length=8, validators=[RegexValidator("^X")])
    photo = models.FileField()
    tier = models.CharField(max_length=2)
    mobile = models.CharField(max_length=20, blank=True)
    surname = models.CharField(max_length=80)

    class Meta:
        app_label = "guarded_shop"
        managed = False
        constraints = [models.UniqueConstraint(fields=["tier"], name="one_tier")]


def printed(label: str, **options: str) -> str:
    out = io.StringIO()
    call_command("loadtest_fields", label, stdout=out, **options)
    return out.getvalue()


def plan_of(text: str) -> RecordsPlan:
    fields = read_template(text).fields
    assert fields is not None
    plan = plan_records(Records(fields=fields), Format.CSV, seed=1, run_tag=7)
    refuse_unmakeable(plan)
    return plan


def rows_of(plan: RecordsPlan, rows: int = ROWS) -> list[dict[str, str]]:
    rendering = file_format("csv", columns_of(plan.columns)).rendering
    batch = Composer(RecordSpace(1, 7), load_pools(), rendering, plan).compose(rows)
    return list(csv.DictReader(io.StringIO(b"".join(batch.chunks()).decode(), newline="")))


def test_every_row_is_taken_by_the_model_that_the_columns_are_of() -> None:
    plan = plan_of(printed("guarded_shop.Account"))
    fields = {field.name: field for field in Account._meta.concrete_fields}

    rows = rows_of(plan)

    assert list(rows[0]) == [name for name in fields if name not in ("id", "created")]
    for row in rows:
        account = Account(**{name: fields[name].to_python(text) for name, text in row.items()})
        account.clean_fields(exclude=["created"])


def test_values_of_unique_fields_come_once() -> None:
    rows = rows_of(plan_of(printed("guarded_shop.Account")), 2_000)

    for name in ("number", "contact", "serial", "key", "sscc"):
        assert len({row[name] for row in rows}) == 2_000


def test_choices_bounds_and_lengths_are_those_of_the_model() -> None:
    rows = rows_of(plan_of(printed("guarded_shop.Account")), 2_000)

    assert {row["plan"] for row in rows} == {"free", "pro"}
    assert {row["grade"] for row in rows} == {"1", "2"}
    assert {int(row["level"]) for row in rows} == set(range(-5, 6))
    assert max(int(row["visits"]) for row in rows) == 50
    assert max(float(row["share"]) for row in rows) <= 1
    assert {len(row["short"]) for row in rows} == {3}


def test_the_columns_of_people_are_those_of_the_synthetic_clients() -> None:
    text = printed("guarded_shop.Account", only="telephone,given_name")

    assert 'only: ["phone", "first_name"]' in text
    assert 'rename: {phone: "telephone", first_name: "given_name"}' in text
    assert list(rows_of(plan_of(text))[0]) == ["telephone", "given_name"]


def test_what_has_to_be_completed_by_hand_is_said_where_it_stands() -> None:
    text = printed("guarded_shop.Odd")

    assert "write the key of a stored guarded_shop.Account" in text
    assert "the field has a pattern of its own" in text
    assert "a file cannot stand in a column" in text
    assert "1,024 values, then they come again" in text
    assert "add nullShare" in printed("guarded_shop.Account", only="born")
    assert rows_of(plan_of(text))


@pytest.mark.parametrize(
    ("regex", "pattern"),
    [
        (r"^\d{4}-\d{2}$", "####-##"),
        (r"^[A-Z]\d[A-Z] ?\d[A-Z]\d$", "?#?#?#"),
        (r"^\+1 \d{3}\.\d{4}$", "+1 ###.####"),
        (r"^\#[0-9]+\?$", "\\##\\?"),
        (r"^[A-Z0-9]{4}$", "####"),
        (r"^SKU-\d+$", "SKU-#"),
        (r"^SKU-\d+", None),
        (r"\d{4}$", None),
        (r"^(A|B)\d$", None),
        (r"^[aeiou]{3}$", None),
        (r"^.{3}$", None),
        (r"^\w{3}$", None),
        (r"^\d{30}$", None),
        (r"^(?!0)\d{5}$", None),
        (r"^a|b$", None),
        ("", None),
    ],
)
def test_a_code_of_one_shape_is_a_pattern_and_another_is_left_to_a_person(regex: str, pattern: str | None) -> None:
    assert pattern_of(regex, 20) == pattern


def test_codes_of_a_unique_field_say_how_many_there_are() -> None:
    column = column_of(
        models.CharField(name="gate", max_length=9, validators=[RegexValidator(r"^G\d{3}$")], unique=True),
        is_unique=True,
    )

    assert column.parameters == {"kind": "pattern", "pattern": "G###", "unique": True}
    assert column.notes == ("1,000 values, then they come again",)


def test_a_text_that_may_be_empty_is_said_to_be_so() -> None:
    person = printed("guarded_shop.Odd", only="mobile,surname")

    assert person.count("# the field may be empty") == 1
    assert rows_of(plan_of(person.replace('"{phone}"', '"{phone}", nullShare: 0.5')))[0].keys() == {"mobile", "surname"}
    assert "the field may be empty" in printed("guarded_shop.Account", only="remarks")
    assert "the field may be empty" not in printed("guarded_shop.Account", only="given_name,telephone")


def test_a_text_whose_name_tells_nothing_is_said_to_be_random() -> None:
    note = "the name tells nothing of the values"

    assert note in printed("guarded_shop.Account", only="remarks")
    assert note in printed("guarded_shop.Account", only="short")
    assert note not in printed("guarded_shop.Account", only="given_name,telephone,contact,site,slug,plan,number")


@pytest.mark.parametrize(
    ("max_digits", "decimal_places", "greatest"),
    [
        (6, 2, "9999.99"),
        (2, 2, "0.99"),
        (7, 3, "9999.999"),
        (20, 15, "99999.999999999"),
        (15, 2, "1000000.0"),
        (3, 0, "999"),
    ],
)
def test_the_greatest_decimal_is_the_greatest_that_the_digits_allow(
    max_digits: int, decimal_places: int, greatest: str
) -> None:
    field = models.DecimalField(name="price", max_digits=max_digits, decimal_places=decimal_places)

    column = column_of(field)

    assert str(column.parameters["max"]) == greatest
    field.clean(f"{column.parameters['max']:.{column.parameters.get('places', 0)}f}", None)


def test_a_name_of_nothing_is_refused_with_what_there_is() -> None:
    with pytest.raises(CommandError, match="has no field plam; it has id, number"):
        printed("guarded_shop.Account", only="plam")
    with pytest.raises(CommandError, match="guarded_shop"):
        printed("guarded_shop.Nothing")
    with pytest.raises(CommandError, match=r"write it as app\.Model"):
        printed("Account")


def test_the_synthetic_clients_are_no_longer_than_the_app_takes_them_for() -> None:
    plan = plan_records(Records(fields=Fields(only=list(CLIENT_LENGTHS))), Format.CSV, seed=3, run_tag=7)

    rows: list[dict[str, Any]] = rows_of(plan, 10_000)

    assert all(max(len(row[name]) for row in rows) <= length for name, length in CLIENT_LENGTHS.items())
