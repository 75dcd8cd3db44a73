"""Which statements would end the guard's transaction, and which write."""

import pytest

from loadtest_guard.statements import transaction_control, writes


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("COMMIT", "COMMIT"),
        ("  commit;", "COMMIT"),
        ("/* a comment */ -- another\nCommit", "COMMIT"),
        ("INSERT INTO t VALUES (1); COMMIT", "COMMIT"),
        ("END", "END"),
        ("abort", "ABORT"),
        ("BEGIN", "BEGIN"),
        ("start  transaction", "START TRANSACTION"),
        ("PREPARE TRANSACTION 'x'", "PREPARE TRANSACTION"),
        ("ROLLBACK", "ROLLBACK"),
        ("rollback work", "ROLLBACK"),
    ],
)
def test_a_statement_that_ends_the_transaction_is_known(sql: str, words: str) -> None:
    assert transaction_control(sql) == words


@pytest.mark.parametrize(
    "sql",
    [
        "ROLLBACK TO SAVEPOINT s1",
        "ROLLBACK WORK TO s1",
        "SAVEPOINT s1",
        "RELEASE SAVEPOINT s1",
        "SELECT CASE WHEN a THEN b END FROM t",
        "INSERT INTO commits (begin_at) VALUES (%s)",
        "SELECT beginning FROM endings",
    ],
)
def test_any_other_statement_is_let_through(sql: str) -> None:
    assert transaction_control(sql) is None


@pytest.mark.parametrize(
    ("sql", "does_write"),
    [
        ("INSERT INTO t VALUES (1)", True),
        ("/* c */ update t SET a = 1", True),
        ("(DELETE FROM t)", True),
        ("WITH x AS (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM x", True),
        ("COPY t FROM STDIN", True),
        ("SELECT * FROM t", False),
        ("WITH x AS (SELECT 1) SELECT * FROM x", False),
        ("SAVEPOINT s1", False),
    ],
)
def test_a_statement_that_writes_is_known(sql: str, does_write: bool) -> None:
    assert writes(sql) is does_write


def test_a_long_statement_is_searched_in_time() -> None:
    sql = "INSERT INTO t VALUES " + ", ".join(["(" + ", ".join(["%s"] * 15) + ")"] * 20_000)

    assert transaction_control(sql) is None
    assert writes(sql) is True
    assert writes("WITH " + "x AS (SELECT 1), " * 20_000 + "y") is False
    assert transaction_control(";" * 100_000 + "(" * 100_000) is None
