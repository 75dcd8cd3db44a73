"""What the guard raises."""


class GuardRefusalError(Exception):
    """The view did something that the guard does not let it do under a load test. The answer is then a refusal,
    whether or not the view catches this."""


class GuardUnavailableError(Exception):
    """The guard cannot promise that nothing is stored, so the request is not processed. The message says why."""
