"""The databases of the tests, and their rows as a connection sees them that has nothing to do with Django's."""

import importlib
import sqlite3
from contextlib import closing
from typing import Any

from django.conf import settings

IS_POSTGRESQL = bool(settings.POSTGRESQL)


def create_databases() -> None:
    """Create both databases; those of SQLite come by themselves."""
    _administer("CREATE DATABASE {}")


def drop_databases() -> None:
    """Remove both databases."""
    _administer("DROP DATABASE {} WITH (FORCE)")


def stored_customers() -> int:
    """How many customers are stored."""
    return _count("default", "guarded_shop_customer")


def stored_audits() -> int:
    """How many audits are stored."""
    return _count("second", "guarded_shop_audit")


def execute(sql: str) -> None:
    """Execute a statement in the default database, and keep what it does."""
    with closing(_connect("default")) as connection:
        connection.cursor().execute(sql)
        connection.commit()


def _count(alias: str, table: str) -> int:
    with closing(_connect(alias)) as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def _connect(alias: str) -> Any:
    database = settings.DATABASES[alias]
    if not IS_POSTGRESQL:
        return sqlite3.connect(database["NAME"])
    return _connect_postgresql(database["NAME"])


def driver() -> Any:
    """The driver that Django uses for PostgreSQL: psycopg 3 if it is there, else psycopg 2."""
    try:
        return importlib.import_module("psycopg")
    except ModuleNotFoundError:
        return importlib.import_module("psycopg2")


def _connect_postgresql(name: str) -> Any:
    database = settings.DATABASES["default"]
    return driver().connect(host=database["HOST"], port=database["PORT"], user=database["USER"], dbname=name)


def _administer(statement: str) -> None:
    if IS_POSTGRESQL:
        with closing(_connect_postgresql("postgres")) as connection:
            connection.autocommit = True
            for database in settings.DATABASES.values():
                connection.cursor().execute(statement.format(f'"{database["NAME"]}"'))
