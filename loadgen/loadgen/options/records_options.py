"""The options about records, which `loadgen run` and `loadgen sample` have in common."""

import argparse
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from loadgen.options.errors import UsageError
from loadtest_model.spec.fields import FIELD_KINDS
from loadtest_model.spec.records import INVALID_KINDS
from loadtest_model.spec.records_template import template_parts
from loadtest_model.suggestions import suggestion

Json = dict[str, Any]

FIELD_HELP: Final = """\
columns (--field), one for each kind:
  loyalty=unique:prefix=L,width=8             tier=choice:gold|silver|bronze,weights=1|3|6
  visits=integer:0..500                       score=decimal:0..100,places=1
  joined=date:2020-01-01..2024-12-31          seen=datetime:2024-01-01..2024-12-31
  employer=faker:company                      motto=faker:text,max_nb_chars=40
  vip=boolean:yes|no,weights=1|9              sku=pattern:??-#####,unique=true
  source=constant:load-test                   login=template:{first_name:mail}.{last_name:mail}
  each may end with ,nullShare=0.1
"""

FIELDS_DESCRIPTION: Final = """\
Writes columns for --fields and for a manifest, like those of a file of your own: names, order, types,
formats, lengths, shares of empty fields, and which values are unique. Nothing is sent anywhere. Of the
file's values only choices are written, and only those that you confirm; placeholders stand for the others.
"""
SAMPLE_DESCRIPTION: Final = """\
Shows records as a test would send them, without sending anything: those of a manifest (-f), or of the
options. In a terminal as a table (a line for each field where it would be too wide); elsewhere, or with
--format, as the file itself.
"""
_TEXTS: Final = {
    "locale": "locale",
    "contact": "contact",
    "delimiter": "dialect.delimiter",
    "quoting": "dialect.quoting",
    "encoding": "dialect.encoding",
    "line_end": "dialect.lineEnd",
    "date_format": "dialect.dateFormat",
    "date_time_format": "dialect.dateTimeFormat",
    "cells": "dialect.cells",
}
_NULL_SHARE: Final = re.compile(r",nullShare=([^,]*)$")
_RANGE_NAMES: Final = {
    "integer": ("min", "max"),
    "decimal": ("min", "max"),
    "date": ("earliest", "latest"),
    "datetime": ("earliest", "latest"),
}
_FIRST_NAMES: Final = {"unique": "prefix", "faker": "provider", "choice": "values", "boolean": "values"}
_UNIQUE: Final = re.compile(r",unique=(true|false)$")
_UNSPLIT_KINDS: Final = ("constant", "template", "pattern")
_DELIMITERS: Final = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value for the field at a dotted path of a spec, and the option that it came from."""

    path: str
    value: Any
    option: str


def add_records_options(parser: argparse.ArgumentParser) -> None:
    records = parser.add_argument_group("records")
    add_fields_option(records)
    records.add_argument(
        "--field", action="append", default=[], metavar="NAME=KIND:...", help="add a column; repeatable, see below"
    )
    columns = records.add_mutually_exclusive_group()
    columns.add_argument(
        "--only", metavar="NAME,NAME", help="the client columns that the file has, besides those of --field"
    )
    columns.add_argument(
        "--drop", action="append", default=[], metavar="NAME,NAME", help="client columns that the file does not have"
    )
    records.add_argument(
        "--rename", action="append", default=[], metavar="NAME=NEW", help="call a client column otherwise; repeatable"
    )
    records.add_argument("--order", metavar="NAME,NAME", help="the columns that come first")
    records.add_argument("--locale", choices=("mixed", "en_CA", "fr_CA"), help="whose names (default: mixed)")
    records.add_argument("--contact", choices=("any", "reserved"), help="reserved: phones that reach nobody")
    records.add_argument("--delimiter", metavar="CHARACTER", help="of CSV: , ; | or tab (default: ,)")
    records.add_argument("--quoting", choices=("minimal", "all", "nonnumeric"), help="of CSV (default: minimal)")
    records.add_argument("--bom", action="store_true", help="begin a CSV file with a byte order mark")
    records.add_argument("--cells", choices=("text", "typed"), help="of XLSX: dates as texts (default) or as dates")
    records.add_argument("--encoding", choices=("utf-8", "cp1252"), help="of CSV (default: utf-8)")
    records.add_argument("--line-end", choices=("CRLF", "LF"), help="of CSV (default: CRLF)")
    records.add_argument("--date-format", metavar="FORMAT", help="of dates, such as %%d/%%m/%%Y")
    records.add_argument("--date-time-format", metavar="FORMAT", help="of times, such as '%%Y-%%m-%%d %%H:%%M:%%S'")
    records.add_argument(
        "--invalid",
        metavar="SHARE[:KIND,KIND]",
        help=f"make rows wrong on purpose, such as 0.01:bad_email; kinds are {', '.join(INVALID_KINDS)}",
    )
    records.add_argument(
        "--expect-count",
        choices=("sent", "valid", "any"),
        help="what the target counts of them: all rows (default), the valid ones, or it does not matter",
    )


def add_fields_option(group: argparse._ArgumentGroup) -> None:
    """The option that `loadgen verify` has too."""
    group.add_argument("--fields", metavar="FILE", help="columns and dialect, as `loadgen fields` writes them")


def add_fields_command_options(parser: argparse.ArgumentParser) -> None:
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--from-csv", metavar="FILE", help="a CSV file with a header row")
    source.add_argument("--from-xlsx", metavar="FILE", help="an XLSX file, whose first sheet has a header row")
    parser.add_argument("--rows", metavar="N", default="20000", help="how many rows are looked at (default: 20000)")
    parser.add_argument(
        "--choices",
        metavar="NAME,NAME",
        help="columns of which the file's own choices may be written; or all, or none (default: a terminal is asked)",
    )
    parser.add_argument("-o", "--out", metavar="FILE", help="where the fields are written (default: standard output)")


def add_sample_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rows", metavar="N", default="20", help="how many records (default: %(default)s)")
    parser.add_argument("-f", "--file", metavar="FILE", help="a LoadTest manifest, whose records are shown")
    parser.add_argument("--format", choices=("csv", "xlsx"), help="the file itself, in this format")
    parser.add_argument(
        "--seed", metavar="N", help="the same seed gives the same people (default: the manifest's, or 1)"
    )
    parser.add_argument("--out", metavar="FILE", help="where it is written (default: standard output)")
    add_records_options(parser)


def fields_file_settings(options: argparse.Namespace) -> Iterator[Setting]:
    """What the file of --fields sets, in place of a ConfigMap that a manifest names. Raises UsageError."""
    if options.fields is not None:
        yield Setting("records.template", None, "--fields")
        for name, part in _read_fields_file(Path(options.fields)).items():
            yield Setting(f"records.{name}", part, "--fields")


def _read_fields_file(path: Path) -> Mapping[str, Json]:
    """The parts of `spec.records` in a file that `loadgen fields` wrote, by their names. Raises UsageError."""
    try:
        return template_parts(path.read_text("utf-8"))
    except OSError as error:
        raise UsageError(f"--fields {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"--fields {path} {error}") from error


def record_settings(options: argparse.Namespace, spec: Mapping[str, Any]) -> Iterator[Setting]:
    """What the options set, in a spec that may have some of it already: lists and maps are added to.

    Raises UsageError for what cannot be read.
    """
    yield from _field_settings(options, spec)
    for name, path in _TEXTS.items():
        if (text := getattr(options, name)) is not None:
            yield Setting(
                f"records.{path}", _DELIMITERS.get(text, text) if name == "delimiter" else text, _option(name)
            )
    if options.bom:
        yield Setting("records.dialect.bom", True, "--bom")
    if options.invalid is not None:
        yield Setting("records.invalid", _invalid(options.invalid), "--invalid")
    if options.expect_count is not None:
        yield Setting("target.response.expectCount", options.expect_count, "--expect-count")


def _field_settings(options: argparse.Namespace, spec: Mapping[str, Any]) -> Iterator[Setting]:
    existing_fields = _child(_child(spec, "records"), "fields")
    for setting in fields_file_settings(options):
        if setting.path == "records.fields":
            existing_fields = setting.value
        yield setting
    if options.only is not None:
        yield Setting("records.fields.only", _names(options.only), "--only")
    if options.drop:
        dropped_names = [name for text in options.drop for name in _names(text)]
        yield Setting("records.fields.drop", [*existing_fields.get("drop", []), *dropped_names], "--drop")
    if options.rename:
        names = dict(_pair("--rename", text, "NAME=NEW") for text in options.rename)
        yield Setting("records.fields.rename", {**_child(existing_fields, "rename"), **names}, "--rename")
    if options.order is not None:
        yield Setting("records.fields.order", _names(options.order), "--order")
    if options.field:
        yield Setting("records.fields.add", [*existing_fields.get("add", []), *map(field_of, options.field)], "--field")


def field_of(text: str) -> Json:
    """The field that a text such as `loyalty=unique:prefix=L,width=8` describes. Raises UsageError."""
    name, description = _pair("--field", text, "NAME=KIND:...")
    kind, _, rest = description.partition(":")
    if kind not in FIELD_KINDS:
        raise UsageError(f"--field {text!r}: the kind is {kind!r}; {suggestion(kind, FIELD_KINDS)}")
    field: Json = {"name": name, "kind": kind}
    if share := _NULL_SHARE.search(rest):
        field["nullShare"] = _number(text, "nullShare", share[1])
        rest = rest[: share.start()]
    if kind == "pattern" and (unique := _UNIQUE.search(rest)):
        field["unique"] = unique[1] == "true"
        rest = rest[: unique.start()]
    if kind in _UNSPLIT_KINDS:
        return {**field, FIELD_KINDS[kind][0][0]: rest}
    parts = rest.split(",") if rest else []
    if parts and "=" not in parts[0]:
        field |= _leading_parameters(text, kind, parts.pop(0))
    for part in parts:
        field = _with_parameter(text, field, *_pair(f"--field {text!r}", part, "NAME=VALUE"))
    return field


def _leading_parameters(text: str, kind: str, part: str) -> Json:
    """The parameters that the first part stands for when it does not name one."""
    if kind in _RANGE_NAMES:
        low, dots, high = part.partition("..")
        if not dots:
            raise UsageError(f"--field {text!r}: {part!r} is no range; write it as LOWEST..HIGHEST")
        return {name: _value(text, name, end) for name, end in zip(_RANGE_NAMES[kind], (low, high), strict=True)}
    name = _FIRST_NAMES[kind]
    return {name: _value(text, name, part)}


def _with_parameter(text: str, field: Json, name: str, value: str) -> Json:
    required_names, optional_names = FIELD_KINDS[field["kind"]]
    if name in (*required_names, *optional_names):
        return {**field, name: _value(text, name, value)}
    if field["kind"] == "faker":
        return {**field, "arguments": {**field.get("arguments", {}), name: value}}
    hint = suggestion(name, (*required_names, *optional_names))
    raise UsageError(f"--field {text!r}: kind {field['kind']} has no {name!r}; {hint}")


def _value(text: str, name: str, value: str) -> Any:
    if name == "values":
        return value.split("|")
    if name == "weights":
        return [_number(text, name, weight) for weight in value.split("|")]
    return _number(text, name, value) if name in ("width", "places", "min", "max") else value


def _number(text: str, name: str, value: str) -> int | float:
    try:
        return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value) else float(value)
    except ValueError as error:
        raise UsageError(f"--field {text!r}: {name} is {value!r}; write a number") from error


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _invalid(text: str) -> Json:
    share, _, kinds = text.partition(":")
    try:
        setting: Json = {"share": float(share)}
    except ValueError as error:
        raise UsageError(f"--invalid is {text!r}; write a share, such as 0.01, or 0.01:bad_email,bad_date") from error
    return {**setting, "kinds": [kind.strip() for kind in kinds.split(",")]} if kinds else setting


def _pair(source: str, text: str, form: str) -> tuple[str, str]:
    name, equals_sign, value = text.partition("=")
    if not equals_sign or not name.strip():
        raise UsageError(f"{source}: {text!r} cannot be read; write {form}")
    return name.strip(), value


def _child(node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    child = node.get(name)
    return child if isinstance(child, Mapping) else {}


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
