"""The page of one test: from the reconciler's last turn while it runs, and from its results once it has ended."""

import asyncio
from collections.abc import Callable
from typing import Final

from loadtest_model.pages.elements import Child, element
from loadtest_model.pages.live.run import load_view, missing_view, report_view, status_view, with_notice
from loadtest_model.pages.live.view import LiveView
from loadtest_operator.cluster.api import LOADTESTS, Api, ApiError
from loadtest_operator.observe.memory import Key
from loadtest_operator.ui.finished import Results, read_results
from loadtest_operator.ui.running import Turn, load_figures
from loadtest_operator.ui.shown_test import ShownTest

LastTurn = Callable[[Key], Turn | None]

_FETCH: Final = "kubectl loadtest report {name} -n {namespace}"


class PageOfTest:
    """Renders the page of one test. `last_turn` gives what the reconciler found last, None if it does not work here.

    `role` says what a reader must know of this replica, empty if it is the one at work.
    """

    def __init__(self, api: Api, key: Key, last_turn: LastTurn, role: Callable[[], str]) -> None:
        self._api = api
        self._key = key
        self._last_turn = last_turn
        self._role = role
        self._last_view: LiveView | None = None
        self._report: tuple[tuple[str, str], LiveView] | None = None

    async def render(self) -> LiveView:
        """The page as the test stands."""
        turn = self._last_turn(self._key)
        try:
            view = await (self._shown_turn(turn) if turn is not None else self._shown_resource())
        except ApiError as error:
            if self._last_view is None:
                raise
            text = f"What you see may be old, because the API server does not answer as it should: {error.message}"
            return with_notice(self._last_view, text)
        self._last_view = view
        return view

    async def results(self) -> Results | None:
        """The results of the test; None if there are none.

        Raises ApiError.
        """
        test = await self._test()
        return await read_results(self._api, test) if test is not None and test.has_ended else None

    async def _shown_turn(self, turn: Turn) -> LiveView:
        test = turn.shown()
        if not turn.is_under_load:
            return status_view(test.standing(), test.status_figures())

        def view() -> LiveView:
            figures = load_figures(turn)
            return (
                load_view(test.standing(), figures) if figures else status_view(test.standing(), test.status_figures())
            )

        # It takes long enough to hold up the turns of all other tests.
        return await asyncio.to_thread(view)

    async def _shown_resource(self) -> LiveView:
        test = await self._test()
        if test is None:
            self._report = None
            return missing_view("/".join(self._key))
        if not test.has_ended:
            role = self._role()
            notices = (role,) if role else ()
            return status_view(test.standing(notices), test.status_figures())
        run = test.uid, test.results_name
        if self._report is not None and self._report[0] == run:
            return self._report[1]
        try:
            results = await read_results(self._api, test)
        except ApiError as error:
            if not error.is_forbidden:
                raise
            results, notice = None, f"the operator may not read the results: {error.message}"
        else:
            notice = "" if results is not None else "there are no results, or they were removed"
        if results is None:
            other_reasons = [reason for reason in test.status.reasons if reason != test.status.message]
            standing = test.standing((*other_reasons, notice))
            return status_view(standing, test.status_figures())
        view = await asyncio.to_thread(_report, test, results)
        self._report = (run, view)
        return view

    async def _test(self) -> ShownTest | None:
        namespace, name = self._key
        resource = await self._api.get(LOADTESTS, namespace, name)
        return ShownTest.of(resource) if resource is not None else None


def _report(test: ShownTest, results: Results) -> LiveView:
    command = element("code", _FETCH.format(name=test.name, namespace=test.namespace))
    words: list[Child] = ["In namespace ", element("bdi", test.namespace), ". "]
    if results.report is not None:
        words += [element("a", "Download the report", href=f"{test.name}/report.html"), " as a file, or: "]
    else:
        words += ["The report as a file: "]
    remark = element("p", words, command, id="download", class_="actions")
    return report_view(results.summary, results.rows, is_final=False, remark=remark)
