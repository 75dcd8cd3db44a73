"""Starting a whole node, inside the namespaces that are to be its own."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from localcluster import cgroups, controlplane
from localcluster.build import WHOLE_CLUSTER, Programs, find_programs
from localcluster.controlplane import Access, Component, ControlPlaneError
from localcluster.realnode import machine, node_network, settings
from localcluster.realnode.archive import write_program_archive

NODE_NAME = "node"
_LINK_SECONDS = 20.0
_IMPORT_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class RealNode:
    """What a whole node is to be like; `archives` are OCI archives of the images that it is to have."""

    octet: int
    archives: tuple[str, ...]

    @property
    def network(self) -> node_network.NodeNetwork:
        return node_network.NodeNetwork(self.octet)


async def start_real_node(
    node: RealNode, run_dir: Path, components: list[Component], report: Callable[[str], None]
) -> Access:
    """Start control plane and node, adding every process to components; return when pods can be run.

    The programs have been built before: here is no way to a registry. Raises ControlPlaneError.
    """
    await controlplane.wait_until(node_network.is_connected, (), "the machine is linked", _LINK_SECONDS)
    node_network.configure_namespace(node.network)
    machine.take_own_folders(run_dir)
    cgroup_root = cgroups.make_groups(run_dir.name)
    programs = await find_programs(run_dir, report, WHOLE_CLUSTER)
    files = run_dir / "node"
    files.mkdir()
    report("starting containerd and the control plane")
    components.append(await _start_containerd(node, run_dir, files))
    async with asyncio.TaskGroup() as tasks:
        images = tasks.create_task(_import_images(node, programs, files, components[0]))
        access = await controlplane.start_api_server(programs, run_dir, components, node.network.node)
        components += await _start_controllers(programs, run_dir, access)
        report("loading the images into the node")
        await images
    report("starting the node")
    for name, command in _node_commands(node, programs, files, access, cgroup_root).items():
        components.append(await _start_component(name, command, run_dir))
    await controlplane.wait_until(lambda: _is_ready(access), components, "the node is ready")
    return access


async def _start_component(name: str, command: Sequence[str], run_dir: Path) -> Component:
    return await controlplane.start_component(name, command, run_dir / "logs" / f"{name}.log")


async def _start_containerd(node: RealNode, run_dir: Path, files: Path) -> Component:
    config, network = files / "containerd.toml", Path(settings.POD_NETWORKS, "pods.conflist")
    for file, text in (
        (config, settings.containerd_config(machine.plugin_folder() or "")),
        (network, settings.pod_network(node.network)),
    ):
        file.write_text(text, encoding="utf-8")
    return await _start_component("containerd", ["containerd", f"--config={config}"], run_dir)


async def _import_images(node: RealNode, programs: Programs, files: Path, containerd: Component) -> None:
    sandbox = files / "pause.tar"
    write_program_archive(programs.paths["pause"], f"docker.io/{settings.SANDBOX_IMAGE}", sandbox)
    await controlplane.wait_until(Path(settings.CONTAINERD_SOCKET).is_socket, [containerd], "containerd listens")
    for archive in (str(sandbox), *node.archives):
        command = ["ctr", "--namespace=k8s.io", "images", "import", archive]
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(_IMPORT_SECONDS):
                output, _ = await process.communicate()
        except TimeoutError as error:
            raise ControlPlaneError(f"{archive} was not loaded within {_IMPORT_SECONDS:g} s") from error
        if process.returncode != 0:
            raise ControlPlaneError(f"{archive} cannot be loaded:\n{output.decode(errors='replace')[-2000:]}")


async def _start_controllers(programs: Programs, run_dir: Path, access: Access) -> list[Component]:
    commands = {
        "all-controllers": [
            str(programs.paths["all-controllers"]),
            f"--kubeconfig={access.kubeconfig}",
            f"--root-ca-file={access.ca_file}",
            f"--service-account-private-key-file={controlplane.service_account_key(run_dir)}",
            "--use-service-account-credentials=false",
            "--leader-elect=false",
            "--secure-port=0",
        ],
        "kube-scheduler": [
            str(programs.paths["kube-scheduler"]),
            f"--kubeconfig={access.kubeconfig}",
            "--leader-elect=false",
            "--secure-port=0",
        ],
    }
    return [await _start_component(name, command, run_dir) for name, command in commands.items()]


def _node_commands(
    node: RealNode, programs: Programs, files: Path, access: Access, cgroup_root: str
) -> dict[str, list[str]]:
    kubeconfig = str(access.kubeconfig)
    empty_resolv_conf = files / "resolv.conf"
    # Pods get the cluster's names and, as in a cluster without a way out, no others.
    empty_resolv_conf.write_text("", encoding="ascii")
    config_texts = {
        "kubelet.yaml": settings.kubelet_config(node.network, cgroup_root, str(empty_resolv_conf)),
        "kube-proxy.yaml": settings.proxy_config(node.network, kubeconfig, NODE_NAME),
        "Corefile": settings.names_config(node.network, kubeconfig),
    }
    for name, text in config_texts.items():
        (files / name).write_text(text, encoding="utf-8")
    kubelet = [f"--config={files / 'kubelet.yaml'}", f"--kubeconfig={kubeconfig}"]
    kubelet += [f"--hostname-override={NODE_NAME}", f"--node-ip={node.network.node}"]
    return {
        "coredns": [str(programs.paths["coredns"]), f"-conf={files / 'Corefile'}"],
        "kube-proxy": [str(programs.paths["kube-proxy"]), f"--config={files / 'kube-proxy.yaml'}"],
        "kubelet": [str(programs.paths["kubelet"]), *kubelet],
    }


def _is_ready(access: Access) -> bool:
    wanted = [
        "/api/v1/namespaces/default/serviceaccounts/default",
        "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
    ]
    if not all(controlplane.is_served(access, path) for path in wanted):
        return False
    node = controlplane.administrator_client(access).get_or_none(f"/api/v1/nodes/{NODE_NAME}") or {}
    if any(taint["effect"] in {"NoSchedule", "NoExecute"} for taint in node.get("spec", {}).get("taints", ())):
        return False
    conditions = node.get("status", {}).get("conditions", ())
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
