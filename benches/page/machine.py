"""The machine that was measured, in the words that decide what a figure is worth. Reads a host's files through one function, so that tests have hosts of their own."""

import os
import platform
import re
import resource
import shutil
import subprocess
from collections.abc import Callable

Read = Callable[[str], str | None]
VULNERABILITIES = "/sys/devices/system/cpu/vulnerabilities"
LIMITS = (
    ("open files", resource.RLIMIT_NOFILE, lambda files: f"{files:,}"),
    ("locked memory", resource.RLIMIT_MEMLOCK, lambda size: f"{size / 1024:,.0f} KiB"),
)
SYSCTLS = ("net.core.rmem_max", "net.core.wmem_max", "net.core.somaxconn")


def read_file(path: str) -> str | None:
    try:
        with open(path) as file:
            return file.read().strip()
    except OSError:
        return None


def output_of(*command: str) -> str | None:
    """The first line that a program says; nothing if it is not there or fails."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    lines = done.stdout.strip().splitlines()
    return lines[0] if lines and not done.returncode else None


def commit() -> str:
    """What is measured; a tree that differs from its commit says so."""
    name = output_of("git", "rev-parse", "--short", "HEAD")
    if name is None:
        return "unknown"
    # The page itself is rewritten by the run.
    changed = output_of("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs/benchmarks.md", ":!docs/loss.svg")
    return f"{name} with changes" if changed else name


def facts(read: Read, date: str, of_commit: str) -> list[tuple[str, str]]:
    """What is known, in the order in which it is shown."""
    cpuinfo = read("/proc/cpuinfo") or ""
    return [
        ("last run", date),
        ("ringway", f"commit {of_commit}"),
        ("processor", first_field(cpuinfo, "model name") or platform.machine()),
        ("cores", cores(read)),
        ("governor", read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "not shown to this system"),
        ("virtualization", virtualization(cpuinfo)),
        ("mitigations", mitigations(read)),
        ("memory", memory(read("/proc/meminfo") or "")),
        ("kernel", f"Linux {version(platform.release())}"),
        ("clock source", read("/sys/devices/system/clocksource/clocksource0/current_clocksource") or "unknown"),
        ("congestion control", read("/proc/sys/net/ipv4/tcp_congestion_control") or "unknown"),
        ("sockets", ", ".join(f"{name} {sysctl(read, name)}" for name in SYSCTLS)),
        ("limits", ", ".join(f"{name} {limit(which, show)}" for name, which, show in LIMITS)),
        ("compiler", output_of("rustc", "--version") or "unknown"),
    ]


def version(release: str) -> str:
    """The kernel's version without whatever a distribution adds to it."""
    found = re.match(r"\d+(\.\d+)*", release)
    return found[0] if found else release


def first_field(text: str, name: str) -> str | None:
    """The value of the first line `name : value`."""
    for line in text.splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def cores(read: Read) -> str:
    """How many threads run at once, and whether two of them share a core."""
    count, smt = os.cpu_count() or 1, read("/sys/devices/system/cpu/smt/active")
    shared = {"0": "no two of them share a core (no SMT)", "1": "SMT: two of them share a core"}.get(smt or "", "SMT unknown")
    return f"{count}, {shared}"


def virtualization(cpuinfo: str) -> str:
    name = output_of("systemd-detect-virt", "--vm")
    if name and name != "none":
        return f"virtual machine ({name})"
    flags = (first_field(cpuinfo, "flags") or "").split()
    return "virtual machine" if "hypervisor" in flags else "none found"


def mitigations(read: Read) -> str:
    """Which of the processor's faults cost time here, and which are open."""
    try:
        names = sorted(os.listdir(VULNERABILITIES))
    except OSError:
        return "unknown"
    return summary({name: read(f"{VULNERABILITIES}/{name}") or "" for name in names})


def summary(states: dict[str, str]) -> str:
    mitigated = [name for name, state in states.items() if state.startswith("Mitigation")]
    vulnerable = [name for name, state in states.items() if state.startswith("Vulnerable")]
    unaffected = len(states) - len(mitigated) - len(vulnerable)
    parts = [f"{', '.join(names)} {what}" for names, what in ((mitigated, "mitigated"), (vulnerable, "open")) if names]
    return "; ".join([*parts, f"{unaffected} others do not apply"])


def memory(meminfo: str) -> str:
    total = first_field(meminfo, "MemTotal")
    return f"{int(total.split()[0]) / (1 << 20):.1f} GiB" if total else "unknown"


def sysctl(read: Read, name: str) -> str:
    value = read("/proc/sys/" + name.replace(".", "/"))
    return f"{int(value):,}" if value and value.isdigit() else "unknown"


def limit(which: int, show: Callable[[int], str]) -> str:
    hard = resource.getrlimit(which)[1]
    return "unlimited" if hard == resource.RLIM_INFINITY else show(hard)
