"""`python -m tools.pack_chart IMAGE FOLDER`: pack the chart into a folder, with another image as its default."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.go_programs import HELM
from tools.render_chart import CHART


def with_image(values: str, image: str) -> str:
    """A values.yaml with this image as its default; `image` is a name with a tag. Raises ValueError if it is not."""
    repository, _, tag = image.rpartition(":")
    if not repository or "/" in tag:
        raise ValueError(f"{image} has no tag")
    text, count = re.subn(
        r"(?m)^(image:\n  repository: ).*\n(  tag: ).*$",
        lambda match: f'{match[1]}{repository}\n{match[2]}"{tag}"',
        values,
    )
    if count != 1:
        raise ValueError("values.yaml must have image.repository and image.tag, in this order, once")
    return text


def main() -> int:
    image, folder = sys.argv[1:]
    with tempfile.TemporaryDirectory() as directory:
        chart = Path(directory, CHART.name)
        shutil.copytree(CHART, chart)
        values = chart / "values.yaml"
        try:
            values.write_text(with_image(values.read_text(), image))
        except ValueError as error:
            sys.stderr.write(f"{error}\n")
            return 1
        command = [str(HELM.find_or_build()), "package", str(chart), "--destination", folder]
        return subprocess.run(command, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
