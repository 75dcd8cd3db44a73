"""The garbage collector, kept away from what lives as long as the process."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_nothing_of_this() -> Iterator[None]:
    """Collect nothing while modules are imported, and never look at them again.

    A full collection looks at every object there is: with all modules in it holds up the event loop for 20 to 40 ms,
    and importing them takes a tenth longer.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
