"""Which release of the programs is installed."""


def installed_version() -> str:
    """The version of the installed package, or `0+unknown` where a program is run from a bare source tree."""
    # Reading a package's metadata imports the whole of `email`: a tenth of what a start takes.
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("loadtest-operator")
    except PackageNotFoundError:
        return "0+unknown"
