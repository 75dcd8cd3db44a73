"""The curves of growth in the documents."""

import json
from xml.etree import ElementTree as Xml

import pytest

from tools.generate_growth import DATA, FILE, charts, drawing

SVG = "{http://www.w3.org/2000/svg}"


def test_each_measured_point_is_drawn_once() -> None:
    data = json.loads(DATA.read_text())

    circles = list(Xml.fromstring(FILE.read_text()).iter(f"{SVG}circle"))

    assert len(circles) == sum(len(curve.points) for chart in charts(data) for curve in chart.curves)
    assert len(circles) == sum(len(points) for points in data.values() if isinstance(points, list))


@pytest.mark.parametrize("greatest", [1.0, 0.21, 9.99, 437.0])
def test_points_stand_in_the_order_of_their_values_and_within_their_chart(greatest: float) -> None:
    costs = [greatest / 7, greatest / 2, greatest]
    points = [{"x": x, "cpu_seconds_per_million": cost} for x, cost in zip((10, 20, 150), costs, strict=True)]
    data = {**json.loads(DATA.read_text()), "run_length": points}

    groups = Xml.fromstring(drawing(data)).findall(f"{SVG}g")

    circles = [(float(each.attrib["cx"]), float(each.attrib["cy"])) for each in groups[2].iter(f"{SVG}circle")]
    assert circles == sorted(circles, key=lambda place: (place[0], -place[1]))
    assert len({y for _, y in circles}) == 3
    assert all(70 <= x <= 440 and 346 <= y <= 496 for x, y in circles)


def test_the_picture_needs_neither_scripts_nor_other_files() -> None:
    tags = {each.tag.removeprefix(SVG) for each in Xml.fromstring(FILE.read_text()).iter()}

    assert tags <= {"svg", "title", "style", "rect", "g", "text", "line", "path", "circle"}
