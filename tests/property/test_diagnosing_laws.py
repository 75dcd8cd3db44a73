"""Whatever is answered, a failed upload has a cause, and an accepted one has none."""

from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from yarl import URL

from loadgen.answers.diagnosing import diagnose
from loadgen.answers.judging import AnswerPaths, HttpAnswer, judge
from loadgen.answers.request_facts import RequestFacts

PATHS = AnswerPaths("load_test_mode", "processed_count", "load_test_nonce")
WORDS = st.sampled_from(
    ["<title>", " at /", "<center>nginx", "CSRF", "expired", "token", '{"load_test_mode": true}', "Bad Request (400)"]
)
BODIES = st.binary(max_size=200) | st.lists(WORDS, max_size=8).map(lambda words: "".join(words).encode())
HEADERS = st.dictionaries(
    st.sampled_from(["Location", "WWW-Authenticate", "Server", "Via", "Content-Type", "Access-Control-Allow-Origin"]),
    st.text(max_size=40) | st.sampled_from(["http://[::1", "https://a:99999/", "//", "?", "Bearer", "a\\b"]),
)
FACTS = st.builds(
    RequestFacts,
    url=st.just(URL("http://clients.shop.svc:8000/clients/upload/process/")),
    scheme=st.none() | st.sampled_from(["Bearer", "Token", "(*"]),
    is_token_expired=st.booleans(),
    body_bytes=st.integers(0, 10**7),
    most_accepted_bytes=st.integers(0, 10**7),
)


@given(st.integers(200, 599), BODIES, HEADERS, FACTS)
def test_every_failed_upload_has_a_cause(
    status: int, body: bytes, headers: dict[str, str], facts: RequestFacts
) -> None:
    answer = HttpAnswer(status, CIMultiDict(headers), body)
    judgement = judge(answer, 5, "nonce", PATHS)

    cause = diagnose(judgement, answer, facts)

    assert (cause is None) == (judgement.error is None)
