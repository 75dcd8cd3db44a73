"""The order in which several workers take the files of tests."""

from support.longest_first import longest_first


def test_the_file_whose_tests_took_longest_together_comes_first_and_its_tests_stay_in_order() -> None:
    seconds = {"quick.py::one": 3.0, "long.py::two": 2.0, "long.py::one": 2.0}
    collected = ["new.py::one", "quick.py::one", "long.py::one", "long.py::two"]

    assert sorted(collected, key=longest_first(seconds)) == [
        "long.py::one",
        "long.py::two",
        "quick.py::one",
        "new.py::one",
    ]


def test_without_a_record_tests_stay_in_order() -> None:
    assert sorted(["b.py::one", "a.py::one"], key=longest_first({})) == ["b.py::one", "a.py::one"]
