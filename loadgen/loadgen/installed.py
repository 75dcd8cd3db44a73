"""Which release of this program is installed."""


def installed_version() -> str:
    # Reading a package's metadata imports the whole of `email`: a tenth of what a start takes.
    from importlib.metadata import version  # noqa: PLC0415

    return version("loadtest-operator")
