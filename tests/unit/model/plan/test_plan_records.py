"""A spec's records become columns, a dialect and wrong rows, or a refusal that names the field and what it may mean."""

from typing import Any

import pytest

from loadtest_model.plan import PlanError
from loadtest_model.plan.columns import CLIENT_COLUMN_PLANS, MOST_VARYING_FIELDS, columns_of
from loadtest_model.plan.notices import plan_notices
from loadtest_model.plan.records import STANDARD_DIALECT, RecordsPlan
from loadtest_model.spec.fields import FIELD_KINDS, Field
from support.builders import a_plan, a_spec

WIDTH = {"name": "loyalty", "kind": "unique", "width": 8}


def records_plan(**records: Any) -> RecordsPlan:
    return a_plan(records=records).records


def column_names(**fields: Any) -> list[str]:
    return [column.name for column in records_plan(fields=fields).columns]


def refusal_text(records: dict[str, Any], **spec: Any) -> str:
    with pytest.raises(PlanError) as caught:
        a_plan(records=records, **spec)
    assert caught.value.reason == "RecordsInvalid"
    return str(caught.value)


def test_records_of_which_nothing_is_said_are_the_client_columns() -> None:
    plan = records_plan()

    assert plan.columns is CLIENT_COLUMN_PLANS
    assert plan.dialect is STANDARD_DIALECT
    assert (plan.locale, plan.contact, plan.invalid) == ("mixed", "any", None)


def test_columns_are_renamed_dropped_added_and_ordered() -> None:
    names = column_names(rename={"client_id": "id"}, drop=["balance"], add=[WIDTH], order=["loyalty", "id"])

    client_names = [plan.name for plan in CLIENT_COLUMN_PLANS if plan.name not in ("client_id", "balance")]
    assert names == ["loyalty", "id", *client_names]


def test_an_added_column_takes_the_place_of_a_client_column_with_its_name() -> None:
    plan = records_plan(fields={"add": [{"name": "status", "kind": "constant", "value": "new"}]})

    assert [column.name for column in plan.columns] == [column.name for column in CLIENT_COLUMN_PLANS]
    assert [column.kind for column in plan.columns if column.name == "status"] == ["constant"]


def test_numbers_are_told_apart_from_texts_for_the_formats() -> None:
    plan = records_plan(
        fields={
            "add": [
                {"name": "visits", "kind": "integer", "min": 0, "max": 9},
                {"name": "score", "kind": "decimal", "min": 0, "max": 9},
                WIDTH,
            ]
        }
    )

    assert [column.name for column in columns_of(plan.columns) if column.is_number] == ["balance", "visits", "score"]


def test_a_template_finds_dropped_columns_renamed_ones_and_those_that_it_takes_the_place_of() -> None:
    plan = records_plan(
        fields={
            "rename": {"client_id": "id"},
            "drop": ["city"],
            "add": [{"name": "phone", "kind": "template", "template": "{id:lower} {client_id} {city} {phone} {{}}"}],
        }
    )

    (column,) = (column for column in plan.columns if column.kind == "template")
    assert [(part.client, part.conversion, part.text) for part in column.parts] == [
        ("client_id", "lower", ""),
        ("", "", " "),
        ("client_id", "", ""),
        ("", "", " "),
        ("city", "", ""),
        ("", "", " "),
        ("phone", "", ""),
        ("", "", " {}"),
    ]


def a_field(**parameters: Any) -> dict[str, Any]:
    return {"fields": {"add": [{"name": "x", **parameters}]}}


@pytest.mark.parametrize(
    ("records", "clause"),
    [
        (
            {"fields": {"drop": ["balanc"]}},
            "fields.drop names 'balanc', which is no client column; did you mean balance?",
        ),
        ({"fields": {"rename": {"clientid": "id"}}}, "fields.rename names 'clientid'"),
        ({"fields": {"rename": {"city": "phone"}}}, "gives two columns the name 'phone'"),
        ({"fields": {"order": ["citty"]}}, "did you mean city?"),
        ({"fields": {"order": ["city", "city"]}}, "names a column twice"),
        ({"fields": {"add": [WIDTH, WIDTH]}}, "two columns named 'loyalty'"),
        ({"fields": {"drop": [plan.name for plan in CLIENT_COLUMN_PLANS]}}, "leaves no column"),
        (a_field(kind="uniqe"), "fields.add[0].kind is 'uniqe'; did you mean unique? (column 'x')"),
        (a_field(kind="choice", values=["a"], weights=[1, 2]), "weights has 2 numbers, but there are 1 values"),
        (a_field(kind="choice", values=["a"], weights=[0]), "weights are all 0"),
        (a_field(kind="faker", provider="compny"), "did you mean company"),
        (a_field(kind="faker", provider="company", arguments={"a": 1}), "it takes none"),
        (a_field(kind="faker", provider="text", arguments={"max_chars": 1}), "did you mean max_nb_chars?"),
        (a_field(kind="faker", provider="text", arguments={"ext_word_list": "x" * 300}), "longer than 256"),
        (a_field(kind="integer", min=1.5, max=3), "min is 1.5, which is no whole number"),
        (a_field(kind="integer", min=3, max=1), "min is 3, which is above max, 1"),
        (a_field(kind="decimal", min=0, max=0.125), "max is 0.125, which has more than 2 places"),
        (a_field(kind="decimal", min=0, max=1e12, places=9), "more than 18 digits"),
        (
            a_field(kind="date", earliest="2021-02-29", latest="2022-01-01"),
            "earliest is '2021-02-29', which is no date",
        ),
        (a_field(kind="date", earliest="2022-01-01", latest="2021-01-01"), "is above latest"),
        (a_field(kind="datetime", earliest="2022-01-01", latest="2022-01-01T24:59:59Z"), "latest is"),
        (a_field(kind="template", template="{frist_name}"), "did you mean first_name"),
        (a_field(kind="template", template="{city:uper}"), "did you mean upper?"),
        (a_field(kind="template", template="{x}"), "names 'x', which is no column"),
        (a_field(kind="template", template="50 % {"), "write {{ for a brace"),
        (a_field(kind="constant", value="\uffff"), "are no characters"),
        ({"invalid": {"share": 0.1, "kinds": ["bad_mail"]}}, "invalid.kinds[0] is 'bad_mail'; did you mean bad_email"),
        (
            {"invalid": {"share": 0.1, "kinds": ["bad_email"]}, "fields": {"drop": ["email"]}},
            "invalid.kinds[0] is bad_email, but the file has no client column email any more",
        ),
        ({"dialect": {"encoding": "cp1252"}, **a_field(kind="constant", value="π")}, "cp1252, which has no 'π'"),
        ({"dialect": {"encoding": "cp1252", "bom": True}}, "no byte order mark"),
    ],
)
def test_what_cannot_be_made_is_refused_with_its_path_its_value_and_what_it_may_mean(
    records: dict[str, Any], clause: str
) -> None:
    message = refusal_text(records)

    assert message.startswith("spec.records.")
    assert clause in message


def test_templates_that_need_each_other_are_refused() -> None:
    pair = [{"name": "a", "kind": "template", "template": "{b}"}, {"name": "b", "kind": "template", "template": "{a}"}]

    assert "a -> b -> a" in refusal_text({"fields": {"add": pair}})


def test_a_dialect_of_csv_is_refused_for_xlsx_but_not_formats_of_dates() -> None:
    target = {"url": "http://x/", "format": "xlsx"}

    message = refusal_text({"dialect": {"lineEnd": "LF"}}, target=target)
    plan = a_plan(records={"dialect": {"dateFormat": "%d/%m/%Y"}}, target=target)

    assert "spec.records.dialect.lineEnd is 'LF', but spec.target.format is xlsx" in message
    assert plan.records.dialect.date_format == "%d/%m/%Y"


def test_wrong_rows_need_a_right_one_beside_them_in_each_batch() -> None:
    load = {"batchSize": 1, "duration": "10s"}

    assert "batches of at least 2 rows" in refusal_text({"invalid": {"share": 0.1}}, scenario="custom", load=load)


def test_only_so_many_fields_can_differ_in_every_row() -> None:
    def fields(count: int) -> dict[str, Any]:
        return {"fields": {"add": [{**WIDTH, "name": f"unique {number}"} for number in range(count)]}}

    assert len(records_plan(**fields(MOST_VARYING_FIELDS)).columns) == len(CLIENT_COLUMN_PLANS) + MOST_VARYING_FIELDS
    assert f"has {MOST_VARYING_FIELDS + 1} fields" in refusal_text(fields(MOST_VARYING_FIELDS + 1))


def test_columns_that_the_plan_has_no_room_for_are_refused() -> None:
    values = [f"{number:0256}" for number in range(256)]
    fields = [{"name": name, "kind": "choice", "values": values} for name in "xy"]

    assert "takes 1" in refusal_text({"fields": {"add": fields}})


def test_every_parameter_of_a_field_belongs_to_a_kind() -> None:
    parameters = {name for required, optional in FIELD_KINDS.values() for name in (*required, *optional)}

    assert parameters | {"name", "kind", "null_share"} == set(Field.__struct_fields__)


def notices_text(**spec: Any) -> str:
    return "; ".join(plan_notices(a_plan(**spec)))


def test_a_run_within_the_number_of_phones_is_told_nothing() -> None:
    assert notices_text() == ""
    assert notices_text(scenario="custom", load={"batchSize": 10_000, "records": 200_000_000, "virtualUsers": 5}) == ""


def test_a_run_that_needs_more_phones_than_there_are_is_told_from_when_on_they_come_again() -> None:
    notice = notices_text(scenario="custom", load={"batchSize": 10_000, "records": 1_000_000_000, "virtualUsers": 5})

    assert notice.startswith("phones come again from about 220,")
    assert "area code 416 has 7,920,000 numbers" in notice


def test_reserved_phones_are_so_few_that_the_first_batches_use_them_up() -> None:
    assert "area code 416 has 100 numbers" in notices_text(scenario="heavy", records={"contact": "reserved"})
    assert notices_text(scenario="heavy", records={"contact": "reserved", "fields": {"drop": ["phone"]}}) == ""


def test_a_unique_column_that_is_too_narrow_for_the_run_is_named() -> None:
    fields = {"add": [{"name": "no", "kind": "unique", "width": 4, "characters": "digits"}]}
    load = {"batchSize": 1_000, "records": 10_001, "virtualUsers": 1}

    assert "column 'no' come again after 10,000 records" in notices_text(
        scenario="custom", load=load, records={"fields": fields}
    )
    assert notices_text(scenario="custom", load={**load, "records": 10_000}, records={"fields": fields}) == ""


def test_a_unique_pattern_that_has_too_few_digits_for_the_run_is_named() -> None:
    fields = {"only": [], "add": [{"name": "sku", "kind": "pattern", "pattern": "??-##-#", "unique": True}]}
    load = {"batchSize": 100, "records": 1_001, "virtualUsers": 1}

    assert "column 'sku' come again after 1,000 records: so many has the pattern ??-##-#" in notices_text(
        scenario="custom", load=load, records={"fields": fields}
    )
    assert notices_text(scenario="custom", load={**load, "records": 1_000}, records={"fields": fields}) == ""


def test_a_spec_without_records_is_as_good_as_an_empty_one() -> None:
    assert a_spec().records == a_spec(records={}).records
