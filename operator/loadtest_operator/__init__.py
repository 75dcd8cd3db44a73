"""The operator: it turns LoadTest resources into runs, and what the runs measured into verdicts."""

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """The version of the installed package, or `0+unknown` where it is run from a bare source tree."""
    try:
        return version("loadtest-operator")
    except PackageNotFoundError:
        return "0+unknown"
