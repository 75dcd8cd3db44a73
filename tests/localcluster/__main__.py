"""`python -m localcluster up [--detach DIR] | down DIR | build`, with this package's folder on PYTHONPATH."""

import argparse
import asyncio
import os
import signal
import sys
import tempfile
from pathlib import Path

from localcluster.build import BuildError, find_programs
from localcluster.cluster import ClusterError, local_cluster, start_detached, stop_detached
from localcluster.progress import Progress


def _up(detach: Path | None, progress: Progress) -> None:
    if detach is not None:
        cluster = start_detached(detach, report=progress)
        progress.close()
        print(f"the cluster is up: export KUBECONFIG={cluster.kubeconfig.resolve()}", file=sys.stderr)
        return
    with local_cluster(report=progress) as running:
        progress.close()
        print(f"the cluster is up until Ctrl-C: export KUBECONFIG={running.kubeconfig}", file=sys.stderr)
        signal.pause()


async def _build(progress: Progress) -> None:
    with tempfile.TemporaryDirectory(prefix="loadtest-build-") as work_dir:
        programs = await find_programs(Path(work_dir), progress)
    progress.close()
    for name, path in programs.paths.items():
        print(f"{name} {path}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="localcluster")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("up").add_argument("--detach", type=Path, metavar="DIR")
    verbs.add_parser("down").add_argument("state", type=Path, metavar="DIR")
    verbs.add_parser("build")
    arguments = parser.parse_args()
    progress = Progress(sys.stderr, is_terminal=os.isatty(sys.stderr.fileno()))
    try:
        match arguments.verb:
            case "up":
                _up(arguments.detach, progress)
            case "down":
                if not stop_detached(arguments.state):
                    print("no cluster is up", file=sys.stderr)
            case _:
                asyncio.run(_build(progress))
    except (ClusterError, BuildError) as error:
        progress.close()
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
