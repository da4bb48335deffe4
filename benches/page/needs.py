"""What a part needs of the host: each need says what is missing and how to get it."""

import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass

OPEN_FILES = 20_000
RMEM_MAX = "/proc/sys/net/core/rmem_max"
RMEM_BYTES = 4 << 20


@dataclass(frozen=True)
class Need:
    name: str
    # What is missing and how to get it; nothing if it is there.
    missing: Callable[[], str | None]


def program(name: str, package: str) -> Need:
    return Need(name, lambda: None if shutil.which(name) else f"`{name}` is missing: install the package {package}")


def two_cores() -> str | None:
    cores = len(os.sched_getaffinity(0))
    return None if cores >= 2 else f"this process may use {cores} core: two are needed, one for the server and one for whoever drives it"


def open_files() -> str | None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard == resource.RLIM_INFINITY or hard >= OPEN_FILES:
        return None
    return f"at most {hard:,} files may be open here: raise the hard limit to {OPEN_FILES:,} (ulimit -Hn, LimitNOFILE=)"


def root() -> str | None:
    return None if os.geteuid() == 0 else "network namespaces need root: run it as root"


def tun() -> str | None:
    return None if os.path.exists("/dev/net/tun") else "/dev/net/tun is missing: modprobe tun"


def namespaces() -> str | None:
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    try:
        done = subprocess.run(["unshare", "--net", "--pid", "--mount", "--fork", "--mount-proc", *user, "true"], stdin=subprocess.DEVNULL, capture_output=True)
    except FileNotFoundError:
        return "`unshare` is missing: install the package util-linux"
    return None if done.returncode == 0 else "namespaces can't be made here: run it as root, or allow namespaces of users"


def socket_buffers() -> str | None:
    with open(RMEM_MAX) as file:
        granted = int(file.read())
    return None if granted >= RMEM_BYTES else f"bursts would be lost before they are read: sysctl -w net.core.rmem_max={RMEM_BYTES} (now {granted:,})"


TASKSET = program("taskset", "util-linux")
IP = program("ip", "iproute2")
NFT = program("nft", "nftables")
ETCD = program("etcd", "etcd-server")
VALGRIND = program("valgrind", "valgrind")
OPENSSL = program("openssl", "openssl")
CORES = Need("two cores", two_cores)
FILES = Need("open files", open_files)
ROOT = Need("root", root)
TUN = Need("TUN devices", tun)
NAMESPACES = Need("namespaces", namespaces)
BUFFERS = Need("socket buffers", socket_buffers)


def what_is_missing(needs: tuple[Need, ...]) -> list[str]:
    return [missing for need in needs if (missing := need.missing())]
