"""What is wrong with a command."""


class UsageError(ValueError):
    """An option, an environment variable or a manifest has a wrong value.

    The message names the field in the user's words, the value, and what to do.
    """
