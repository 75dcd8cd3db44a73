"""What an image's name means here: programs of this machine, not a file system of their own."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Image:
    """How containers of an image run.

    path: directories before the system's in PATH; env: variables beneath the container's own, in which $(POD_IP)
    stands for the pod's address; workdir and entrypoint: where the container names none; visible: host
    directories that must be seen at their own places: those in /tmp and /run otherwise are not, as a container has
    these two to itself, nor those beneath a directory that only its owner may enter; user: the uid where
    nothing else is said.
    """

    path: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    entrypoint: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    user: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(fields: dict[str, Any]) -> "Image":
        lists = {name: tuple(fields[name]) for name in ("path", "entrypoint", "visible")}
        return Image(env=dict(fields["env"]), workdir=fields["workdir"], user=fields["user"], **lists)
