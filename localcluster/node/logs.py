"""What containers wrote: a file for each container, and beside it where in that file each of its runs begins."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ContainerLog:
    """The log of one container of a pod's name; the file goes on if a pod of that name is created again."""

    file: Path

    @classmethod
    def of(cls, run_dir: Path, namespace: str, pod: str, container: str) -> "ContainerLog":
        return cls(run_dir / "logs" / f"{namespace}_{pod}_{container}.log")

    def size(self) -> int:
        """Return how many bytes all runs have written so far."""
        return self.file.stat().st_size if self.file.exists() else 0

    def begin_run(self) -> int:
        """Note that a run begins, and return the byte at which it does."""
        start = self.size()
        with self._starts_file.open("a", encoding="ascii") as starts:
            starts.write(f"{start}\n")
        return start

    def run_starts(self) -> list[int]:
        """Return the byte at which each run begins, in their order."""
        if not self._starts_file.exists():
            return []
        return [int(line) for line in self._starts_file.read_text(encoding="ascii").splitlines()]

    def read(self, start: int, end: int | None = None) -> bytes:
        """Return the bytes from start to end, or to what was written so far."""
        with self.file.open("rb") as log:
            log.seek(start)
            return log.read(None if end is None else end - start)

    @property
    def _starts_file(self) -> Path:
        return self.file.with_suffix(".runs")
