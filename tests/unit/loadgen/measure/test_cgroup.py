"""What the kernel gives of the CPU, read from either version of cgroups."""

from pathlib import Path

import pytest

from loadgen.measure.cgroup import own_cpu_group

V2_STAT = "usage_usec 10\nnr_periods 9\nnr_throttled 3\nthrottled_usec 2500000\n"
V1_STAT = "nr_periods 9\nnr_throttled 3\nthrottled_time 2500000000\n"


class System:
    """Files of /proc and /sys as a process sees them."""

    def __init__(self, folder: Path) -> None:
        self.process, self.mounts = folder / "self", folder / "sys"
        self.process.mkdir()
        self.mounts.mkdir()

    def shows(self, paths: str, *mounts: tuple[str, str, str, str]) -> None:
        """Its cgroups as /proc/self/cgroup has them; a mount is its root, its folder, its type and its options."""
        (self.process / "cgroup").write_text(paths)
        lines = [
            f"3{number} 31 0:2{number} {root} {self.mounts / folder} rw,nosuid shared:4 - {kind} cgroup rw,{options}\n"
            for number, (root, folder, kind, options) in enumerate(mounts)
        ]
        (self.process / "mountinfo").write_text("22 1 0:1 / / rw - ext4 /dev/vda rw\n" + "".join(lines))

    def has(self, folder: str, **files: str) -> None:
        place = self.mounts / folder
        place.mkdir(parents=True)
        for name, text in files.items():
            (place / name.replace("__", ".")).write_text(text)

    def seconds_and_cores(self) -> tuple[float | None, float | None] | None:
        group = own_cpu_group(self.process)
        return None if group is None else (group.throttled_seconds(), group.limit_cores())


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_version_2_in_a_container_of_its_own_namespace(system: System) -> None:
    system.shows("0::/\n", ("/", "", "cgroup2", "nsdelegate"))
    (system.mounts / "cpu.stat").write_text(V2_STAT)
    (system.mounts / "cpu.max").write_text("150000 100000\n")

    assert system.seconds_and_cores() == (2.5, 1.5)


def test_version_2_without_a_limit(system: System) -> None:
    system.shows("0::/user.slice/me\n", ("/", "", "cgroup2", ""))
    system.has("user.slice/me", cpu__stat=V2_STAT, cpu__max="max 100000\n")

    assert system.seconds_and_cores() == (2.5, None)


def test_version_2_without_the_cpu_controller_tells_nothing(system: System) -> None:
    system.shows("0::/a\n", ("/", "", "cgroup2", ""))
    system.has("a", cpu__stat="usage_usec 10\nuser_usec 5\nsystem_usec 5\n")

    assert system.seconds_and_cores() == (None, None)


@pytest.mark.parametrize("mounted_as", ["cpu,cpuacct", "cpuacct,cpu", "cpu"])
def test_version_1_in_a_container_whose_own_group_is_the_top_of_the_mount(system: System, mounted_as: str) -> None:
    path = "/kubepods/burstable/pod1/loadgen"
    paths = f"7:memory:/other\n4:{mounted_as}:{path}\n1:name=systemd:/x\n"
    system.shows(paths, ("/other", "memory", "cgroup", "memory"), (path, "cpu", "cgroup", mounted_as))
    system.has("cpu", cpu__stat=V1_STAT, cpu__cfs_quota_us="2000\n", cpu__cfs_period_us="100000\n")

    assert system.seconds_and_cores() == (2.5, 0.02)


def test_version_1_on_a_host(system: System) -> None:
    system.shows("4:cpu,cpuacct:/a/b\n", ("/", "cpu", "cgroup", "cpu,cpuacct"))
    system.has("cpu/a/b", cpu__stat=V1_STAT, cpu__cfs_quota_us="-1\n", cpu__cfs_period_us="100000\n")

    assert system.seconds_and_cores() == (2.5, None)


def test_where_both_are_mounted_the_one_that_has_the_cpu_is_asked(system: System) -> None:
    system.shows("1:cpu:/a\n0::/a\n", ("/", "cpu", "cgroup", "cpu"), ("/", "unified", "cgroup2", ""))
    system.has("cpu/a", cpu__stat=V1_STAT)
    system.has("unified/a", cpu__stat="usage_usec 10\n")

    assert system.seconds_and_cores() == (2.5, None)


def test_the_cpus_of_another_hierarchy_are_not_taken_for_its_time(system: System) -> None:
    system.shows("3:cpuset:/a\n0::/a\n", ("/", "cpuset", "cgroup", "cpuset"), ("/", "unified", "cgroup2", ""))
    system.has("unified/a", cpu__stat=V2_STAT)

    assert system.seconds_and_cores() == (2.5, None)


@pytest.mark.parametrize(
    ("paths", "root"),
    [("", "/"), ("0::/a\n", "/b"), ("0::/../a\n", "/"), ("4:cpu:/gone\n", "/"), ("nonsense", "/")],
    ids=["no groups", "mounted elsewhere", "outside of the namespace", "no such folder", "no such form"],
)
def test_a_group_that_cannot_be_seen_is_none(system: System, paths: str, root: str) -> None:
    system.shows(paths, (root, "", "cgroup2", ""), (root, "cpu", "cgroup", "cpu"))

    assert system.seconds_and_cores() is None


def test_a_system_without_proc_has_none(tmp_path: Path) -> None:
    assert own_cpu_group(tmp_path / "none") is None


@pytest.mark.parametrize("text", ["", "throttled_usec many\n", "throttled_usec\n"])
def test_a_file_of_another_form_tells_nothing(system: System, text: str) -> None:
    system.shows("0::/\n", ("/", "", "cgroup2", ""))
    (system.mounts / "cpu.stat").write_text(text)
    (system.mounts / "cpu.max").write_text(text)

    assert system.seconds_and_cores() == (None, None)
