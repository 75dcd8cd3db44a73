"""Live pages: what a run that goes on is said to be, and what it is not; and a list of tests that is quiet."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from loadtest_model.judgement.verdict import Verdict
from loadtest_model.pages.elements import element, fragment_html
from loadtest_model.pages.icons import Tone
from loadtest_model.pages.live.assets import live_script, live_style, look_version
from loadtest_model.pages.live.head import LoadProgress, Standing, progress_text, standing_section
from loadtest_model.pages.live.overview import MOST_LINES, ListedTest, overview
from loadtest_model.pages.live.run import LoadFigures, StatusFigures, load_view, missing_view, report_view, status_view
from loadtest_model.pages.live.shell import live_page
from loadtest_model.pages.live.view import LiveView, parts_of
from loadtest_model.report.progress import RunProgress
from loadtest_model.report.status import Phase, PodCounts
from support.report_cases import CASES, ReportCase, passed, with_summary

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
SHORT = [name for name in CASES if name != "a_day"]
LOADED = [name for name in SHORT if name not in ("refused", "only_verified")]
RUNNING = Standing(name="heavy", phase=Phase.RUNNING, message="")


def a_progress(**fields: object) -> RunProgress:
    values: dict[str, object] = {
        "elapsed_seconds": 60.0,
        "total_seconds": 240.0,
        "is_foreseen": False,
        "share": 0.25,
        "step": "light",
        "step_number": 1,
        "steps": 1,
        "stage_number": 1,
        "stages": 1,
        "virtual_users": 4,
        "in_flight": 3,
        "records_per_second": 12_345.0,
        "records_confirmed": 1_000_000,
        "p95_seconds": 0.25,
        "errors": 0,
        "error_rate": 0.0,
        "is_draining": False,
        **fields,
    }
    return RunProgress(**values)  # type: ignore[arg-type]


def measured_case(case: ReportCase, **progress: object) -> LiveView:
    measured = LoadFigures(summary=case.summary, rows=case.rows, progress=a_progress(**progress))
    return load_view(RUNNING, measured)


def text_of(view: LiveView) -> str:
    markup = " ".join(part.markup for part in view.parts)
    return " ".join(re.sub(r"<[^>]+>", " ", markup).split())


def line(number: int = 0, **fields: object) -> ListedTest:
    values: dict[str, object] = {
        "uid": f"uid-{number}",
        "namespace": "shop",
        "name": f"test-{number}",
        "since": NOW - timedelta(minutes=number),
        **fields,
    }
    return ListedTest(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", LOADED)
def test_a_run_that_goes_on_has_no_verdict_anywhere(name: str) -> None:
    view = measured_case(CASES[name]())

    text = text_of(view)

    assert "Thresholds so far" in text
    for verdict in Verdict:
        assert not re.search(rf"\b{verdict}\b", text), verdict
    assert not re.search(r"\bheld\b", dict(view.parts)["judgement"])
    assert "The highest load that held" not in text
    assert not view.is_final
    assert view.tone is Tone.BUSY
    assert view.title == "Running 25%: heavy"


@pytest.mark.parametrize("name", SHORT)
def test_every_part_can_be_found_and_replaced(name: str) -> None:
    case = CASES[name]()
    for view in (measured_case(case), report_view(case.summary, case.rows, is_final=True)):
        for part in view.parts:
            assert re.match(rf'<\w+ [^>]*\bid="{part.id}"', part.markup), part.id
            assert " style=" not in part.markup
            assert "<script" not in part.markup


def test_a_report_in_a_live_page_is_the_report() -> None:
    case = passed()
    view = report_view(case.summary, case.rows, is_final=True)

    assert view.title.startswith(f"Passed: {case.summary.name}")
    assert view.tone is Tone.GOOD
    assert [part.id for part in view.parts][:3] == ["verdict", "figures", "judgement"]


def test_the_course_leaves_room_for_what_is_to_come_and_has_few_pieces() -> None:
    course = dict(measured_case(passed()).parts)["course"]

    assert course.count("<title>") - 1 <= 2 * 120
    assert "Figures as a table" not in course
    assert ">4m</text>" in course.replace(" ", "")


def test_plateaus_that_are_not_over_have_no_figures_yet() -> None:
    case = passed()
    (step,) = case.summary.steps
    assert step.plateaus
    first, *_ = step.plateaus
    short = tuple(row for row in case.rows if row.second < first.end)

    view = measured_case(ReportCase(case.summary, short))

    assert "plateaus" not in dict(view.parts)
    assert "plateaus" in dict(measured_case(case).parts) or len(step.plateaus) == 1


def test_a_test_before_its_load_says_what_it_waits_for_and_what_is_planned() -> None:
    standing = a_standing(
        phase=Phase.QUEUED, reason="WaitsForTarget", message="another test loads its target", pods=PodCounts(desired=2)
    )
    text = text_of(status_view(standing, StatusFigures()))

    assert "Queued: WaitsForTarget" in text
    assert "another test loads its target." in text.replace("Another", "another")
    assert "2 (none started)" in text


def a_standing(**fields: object) -> Standing:
    values: dict[str, object] = {"name": "heavy", "phase": Phase.RUNNING, "message": "", **fields}
    return Standing(**values)  # type: ignore[arg-type]


def test_progress_names_its_step_and_stage_where_there_are_several() -> None:
    several = LoadProgress.of_run(a_progress(steps=4, step_number=2, step="medium", stages=3, stage_number=1))
    draining = LoadProgress.of_run(a_progress(is_draining=True, in_flight=1))
    foreseen = LoadProgress.of_run(a_progress(is_foreseen=True))

    assert progress_text(several) == "25% · 1m of 4m · step medium (2 of 4), stage 1 of 3"
    assert progress_text(draining).endswith("the load is over, and 1 upload in flight may still end")
    assert progress_text(foreseen) == "25% · 1m"


def test_whatever_a_test_says_stays_text() -> None:
    case = with_summary(passed(), name=HOSTILE, manifest=HOSTILE)
    standing = a_standing(
        name=HOSTILE, message=HOSTILE, reason=HOSTILE, namespace=HOSTILE, target=HOSTILE, notices=(HOSTILE,)
    )
    hostile_line = line(name=HOSTILE, namespace=HOSTILE, message=HOSTILE, scenario=HOSTILE, reason=HOSTILE)
    views = (
        status_view(standing, StatusFigures()),
        load_view(standing, LoadFigures(summary=case.summary, rows=case.rows, progress=a_progress())),
        overview([hostile_line], NOW, HOSTILE, [HOSTILE]),
        missing_view(HOSTILE),
    )
    for view in views:
        page = live_page(with_hostile_title(view), "here-1", "events", "", HOSTILE)
        assert "<script>alert" not in page
        assert "<img" not in page
        assert page.count("<script ") == 1


def with_hostile_title(view: LiveView) -> LiveView:
    return LiveView(HOSTILE, view.tone, view.parts)


def test_the_list_has_those_at_work_first_and_the_newest_of_each() -> None:
    lines = [
        line(3, phase=Phase.COMPLETED, verdict=Verdict.FAILED, message="threshold p95 < 1s is breached"),
        line(2, phase=Phase.RUNNING, share=0.5, records_per_second=1_000.0, errors=0),
        line(1),
        line(0, phase=Phase.QUEUED, message="waits for its turn"),
    ]

    view = overview(lines, NOW, "All namespaces")
    text = text_of(view)

    assert [part.id for part in view.parts] == ["tests", "working", "waiting", "ended"]
    assert "1 at work, 2 waiting, 1 ended" in text
    assert text.index("test-2") < text.index("test-0") < text.index("test-1") < text.index("test-3")
    assert "Not looked at yet" in text
    assert "Threshold p95 &lt; 1s is breached." in text
    assert view.title == "1 load test at work"


def test_a_list_of_tests_that_stand_still_changes_once_a_minute() -> None:
    lines = [line(number, phase=Phase.COMPLETED, verdict=Verdict.PASSED) for number in range(1, 5)]

    views = [overview(lines, NOW + timedelta(seconds=seconds), "All namespaces") for seconds in (1, 30, 59, 61)]

    assert views[0] == views[1] == views[2] != views[3]


def test_a_long_list_shows_its_beginning_and_says_so() -> None:
    lines = [line(number, phase=Phase.COMPLETED, verdict=Verdict.PASSED) for number in range(MOST_LINES + 20)]

    text = text_of(overview(lines, NOW, "All namespaces"))

    assert f"The newest {MOST_LINES:,} of {MOST_LINES + 20:,} are shown." in text
    assert f"test-{MOST_LINES - 1} " in text
    assert f"test-{MOST_LINES} " not in text


def test_parts_with_the_same_id_are_refused() -> None:
    with pytest.raises(ValueError, match="same id"):
        parts_of([element("p", id="a"), element("p", id="a")])


def test_the_page_loads_only_its_own_style_and_script() -> None:
    page = live_page(LiveView("A page", Tone.QUIET, parts_of([element("p", id="a")])), "here-1", "x/events", "../../")

    assert re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', page) == ["../../page.css", "../../live.js"]
    assert 'data-events="x/events"' in page
    assert f'data-look="{look_version()}"' in page
    assert '<p id="a"></p></main>' in page


def test_the_script_is_small_and_makes_no_code_of_text() -> None:
    script = live_script()

    assert len(script.splitlines()) < 110
    for word in ("eval(", "Function(", "document.write", "insertAdjacentHTML", "http:", "https:", "import "):
        assert word not in script
    assert "@import" not in live_style()


def test_a_standing_with_a_verdict_shows_that_instead_of_the_phase() -> None:
    markup = fragment_html(standing_section(a_standing(verdict=Verdict.INCONCLUSIVE, phase=Phase.COMPLETED)))

    assert "Inconclusive" in markup
    assert "Completed" not in markup
    assert "tone-doubt" in markup
