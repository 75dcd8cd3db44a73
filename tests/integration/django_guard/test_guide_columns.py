"""docs/your-own-service.md: the columns that a command makes of the guide's model stand in for those of its test."""

import os
import subprocess
import sys
from pathlib import Path

from localcluster.installation import REPOSITORY
from support.guide_steps import Addition, Command, File, steps_by_section

GUIDE = REPOSITORY / "docs" / "your-own-service.md"
SECTIONS = steps_by_section(GUIDE)
FIELDS = "python manage.py loadtest_fields customers.Customer > fields.yaml"


def test_the_command_for_the_model_makes_the_columns_of_the_guide_s_own_test(tmp_path: Path) -> None:
    (sample,) = (step.line for step in SECTIONS["3. The test"] if isinstance(step, Command) and "sample" in step.line)
    for section in ("1. The service", "2. The change", "3. The test"):
        for step in SECTIONS[section]:
            match step:
                case File(path, content):
                    (tmp_path / path).write_text(content)
                case Addition(path, content):
                    with (tmp_path / path).open("a") as file:
                        file.write(content)
                case Command(line) if line.startswith(("django-admin", "python manage.py startapp", "echo")):
                    run(tmp_path, line)

    by_hand = run(tmp_path, sample)
    run(tmp_path, FIELDS)
    by_model = run(tmp_path, f"{sample} --fields fields.yaml")

    assert f"`{FIELDS}`" in GUIDE.read_text()
    assert by_hand.splitlines()[0] == by_model.splitlines()[0] == "number,first_name,last_name,email,plan"
    assert by_hand.splitlines()[1:] != by_model.splitlines()[1:]


def run(folder: Path, line: str) -> str:
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    process = subprocess.run(
        ["bash", "-c", line], check=False, cwd=folder, env={**os.environ, "PATH": path},
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert process.returncode == 0, f"{line}\n{process.stdout}{process.stderr}"
    return process.stdout
