"""`stop`."""

import argparse

from kubectl_loadtest.kubectl import Kubectl

STOP_HELP = "end a test before its time; what was measured is kept"


def add_stop_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a LoadTest")


def stop(options: argparse.Namespace, kubectl: Kubectl) -> int:
    """Have a test stopped. Raises CommandError."""
    test = kubectl.load_test(options.name)
    if test.is_completed:
        print(f"{test.qualified_name} has ended already ({test.verdict})")
        return 0
    kubectl.change(options.name, {"stop": True})
    print(
        f"{test.qualified_name} is being stopped: uploads in flight may finish, nothing new is sent\n"
        f"`kubectl loadtest watch {test.name}{kubectl.flag_text}` shows how it ends"
    )
    return 0
