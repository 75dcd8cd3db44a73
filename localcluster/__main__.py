"""`python -m localcluster demo MANIFEST | up DIR [--target URL] | down DIR | build`.

This package's folder must be on PYTHONPATH.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from localcluster import demo
from localcluster.build import find_programs
from localcluster.choice import cluster_kind
from localcluster.detached import start_detached, stop_detached
from localcluster.go import BuildError
from localcluster.installation import address_of_pages, has_pages_here, install_everything, install_for_own_target
from localcluster.own_target import OwnTarget
from localcluster.progress import ActivityLine
from localcluster.rest import Rest, RestError
from localcluster.supervisor_process import ClusterError


def _up(state: Path, target: OwnTarget | None, progress: ActivityLine) -> None:
    """Leave a cluster with the operator running, and without a target of one's own with the example target.

    The cluster is ended again if they do not get ready.
    """
    cluster = start_detached(state, cluster_kind(), progress)
    try:
        rest = Rest.from_kubeconfig(cluster.kubeconfig)
        if target is None:
            install_everything(rest, progress)
        else:
            install_for_own_target(rest, target.host, progress)
    except BaseException:
        stop_detached(state)
        raise
    progress.close()
    manifest = target.write_manifest(state) if target else Path("examples/loadtest-demo.yaml")
    pages = address_of_pages(rest) if has_pages_here() else ""
    print(directions(cluster.kubeconfig.resolve(), manifest, target.url if target else None, pages))
    if target and not target.is_listening():
        print(f"Nothing listens at {target.host}:{target.port} yet; start the service before you apply the test.")


def directions(kubeconfig: Path, manifest: Path, target_url: str | None, pages: str = "") -> str:
    """What to type next, with the example target or with a target of one's own, and where the live pages are."""
    own_manifest = f"    # or your own manifest with the URL {target_url}" if target_url else ""
    return (
        f"The cluster is up, with the operator and {target_url or 'the example target'}.\n"
        f"  export KUBECONFIG={kubeconfig}\n"
        "  export PATH=$PWD/.venv/bin:$PATH    # for kubectl loadtest\n"
        f"  kubectl apply -f {manifest}{own_manifest}\n"
        "  kubectl get loadtests -w\n"
        f"  kubectl loadtest describe {'own' if target_url else 'demo'}\n"
        + (f"  {pages}    # all tests in the browser\n" if pages else "")
        + "`make cluster-down` ends it."
    )


async def _build(progress: ActivityLine) -> None:
    with tempfile.TemporaryDirectory(prefix="loadtest-build-") as work_dir:
        programs = await find_programs(Path(work_dir), progress)
    progress.close()
    for name, path in programs.paths.items():
        print(f"{name} {path}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="localcluster")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("demo").add_argument("manifest", type=Path, metavar="MANIFEST")
    up = verbs.add_parser("up")
    up.add_argument("state", type=Path, metavar="DIR")
    up.add_argument("--target", metavar="URL", default="", help="a service of this machine, not the example target")
    verbs.add_parser("down").add_argument("state", type=Path, metavar="DIR")
    verbs.add_parser("build")
    arguments = parser.parse_args()
    progress = ActivityLine(sys.stderr, is_terminal=os.isatty(sys.stderr.fileno()))
    try:
        match arguments.verb:
            case "demo":
                return demo.run(arguments.manifest)
            case "up":
                target = OwnTarget.parse(arguments.target, cluster_kind()) if arguments.target else None
                _up(arguments.state, target, progress)
            case "down":
                print("ending the cluster", file=sys.stderr)
                if not stop_detached(arguments.state):
                    print("no cluster is up", file=sys.stderr)
            case _:
                asyncio.run(_build(progress))
    except (ClusterError, BuildError, RestError, TimeoutError) as error:
        progress.close()
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
