"""Measures the table of docs/benchmarks.md.

    cargo build --release --workspace
    python3 -m benches.side_by_side --uws-echo …/EchoServer --uws-load …/load_test --out table.json

Needs two cores that nothing else uses, `taskset` and 20,000 open files. Prints the table as markdown and writes every sample, and the rows as shown, as JSON.
"""

import argparse
import json
import os
import platform
import resource
import signal
import sys
import time

from ..page.machine import version
from .echo import Echo
from .fanout import Fanout
from .figures import Figures, table
from .latency import Latency
from .memory import Memory
from .others import Handshakes, Hop, SlowReader, Throughput
from .process import Bench
from .quic import Quic

GROUPS = (Echo, Fanout, Throughput, Latency, Memory, Handshakes, SlowReader, Hop, Quic)


def arguments():
    target = os.path.join(os.environ.get("CARGO_TARGET_DIR", "target"), "release")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help="only these: " + ", ".join(group.name for group in GROUPS))
    parser.add_argument("--alternations", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one alternation, short samples where a group has them: whether all runs, nothing to cite")
    parser.add_argument("--ringway", default=f"{target}/ringway")
    parser.add_argument("--load", default=f"{target}/ringway-load")
    parser.add_argument("--bench", default=f"{target}/ringway-bench")
    parser.add_argument("--uws-echo", help="uWebSockets' EchoServer, taking its port as argument")
    parser.add_argument("--uws-load", help="uWebSockets' load_test, asking for the path /echo")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    parser.add_argument("--out", help="every sample, as JSON")
    options = parser.parse_args()
    if options.quick:
        options.alternations = 1
    unknown = set(options.groups) - {group.name for group in GROUPS}
    if unknown:
        parser.error(f"no such group: {', '.join(sorted(unknown))}")
    return options


def main():
    options = arguments()
    # Whoever ends us, our servers end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    chosen = [group for group in GROUPS if not options.groups or group.name in options.groups]
    samples, shown, lines = {}, {}, []
    # One group after the other, each with its own servers: idle ones would still take a core's caches and a host's memory.
    for group in chosen:
        figures = Figures()
        with Bench(options) as bench:
            measure = group(bench)
            for alternation in range(1, options.alternations + 1):
                began = time.monotonic()
                measure.alternation(figures)
                print(f"{group.name}: {alternation} of {options.alternations} in {time.monotonic() - began:.0f} s", flush=True)
            rows = list(measure.rows(figures))
        samples[group.name] = figures.samples
        shown[group.name] = [row.texts() for row in rows]
        lines += rows
        print(table(rows), flush=True)
        if options.out:
            with open(options.out, "w") as file:
                json.dump({"host": host(), "alternations": options.alternations, "samples": samples, "rows": shown}, file, indent=1)
                file.write("\n")
    print(f"\n{host()}; {options.alternations} alternations; median (smallest–largest)\n\n{table(lines)}")


def host():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "?")
    return f"{model}, {os.cpu_count()} cores, Linux {version(platform.release())}"


if __name__ == "__main__":
    main()
