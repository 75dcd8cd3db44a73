"""The form around the file, read back by the parser of the standard library."""

from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP

from loadgen.http.multipart import Form

FILE = b"client_id\r\nC1\r\n"


def parsed(form: Form, number: int = 3) -> list[Message]:
    head = f"Content-Type: {form.content_type}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + form.head(number) + FILE + form.tail)
    return [part for part in message.walk() if not part.is_multipart()]


def make_form(**changes: object) -> Form:
    fields: dict[str, object] = {
        "boundary": "b0undary",
        "fields": {},
        "file_field": "file",
        "file_name": "clients-{n}.csv",
        "file_type": "text/csv",
    }
    return Form(**{**fields, **changes})  # type: ignore[arg-type]


def test_the_file_arrives_whole_under_its_field_name_and_type() -> None:
    (part,) = parsed(make_form())

    assert part.get_param("name", header="content-disposition") == "file"
    assert part.get_filename() == "clients-3.csv"
    assert part.get_content_type() == "text/csv"
    assert part.get_payload(decode=True) == FILE


def test_text_fields_come_before_the_file() -> None:
    parts = parsed(make_form(fields={"source": "load test", "dry": "é"}))

    assert [part.get_param("name", header="content-disposition") for part in parts] == ["source", "dry", "file"]
    assert parts[1].get_payload(decode=True) == "é".encode()


def test_a_name_cannot_break_out_of_its_header() -> None:
    form = make_form(file_field='a"\r\nX-Evil: 1')

    assert b"\r\nX-Evil" not in form.head(0)
    assert b'name="a%22%0D%0AX-Evil: 1"' in form.head(0)
