"""Measures everything that docs/benchmarks.md says, and writes it there.

    python3 -m benches                        # all of it: about two hours, on a machine that does nothing else; best as root
    python3 -m benches --quick                # whether all runs, in a few minutes; writes its page beside its results, not into docs/
    python3 -m benches --only floor cells     # some parts; the other sections of the page stay as they are
    python3 -m benches --resume               # go on with a run that was interrupted, or measure again what failed
    python3 -m benches --list                 # the parts, how long they take, and what is missing for them here

Builds what it measures (cargo, release) and needs nothing of Python but its standard library. What a part found is kept as JSON, with a log, in the folder of --out.
A part that fails or can't be measured here says so on the page, with its reason. What stands outside of the page's markers is never touched.
"""

import argparse
import datetime
import os
import shutil
import signal
import subprocess
import sys
import time

from .page import machine, markers, needs, record
from .page.ground import ROOT, Failed, Ground, LeftOut, for_the_page
from .page.parts import Part
from .page.parts import loss
from .page.record import FAILED, MEASURED, SKIPPED, Record
from .page.sections import MACHINE, PARTS, SECTIONS, render, write_machine

PAGE = os.path.join(ROOT, "docs", "benchmarks.md")
PACKAGES = ("ringway", "ringway-load", "ringway-benches")
BINARIES = ("ringway", "ringway-load", "ringway-bench")


def arguments() -> argparse.Namespace:
    target = os.path.join(ROOT, os.environ.get("CARGO_TARGET_DIR", "target"))
    names = [part.name for part in PARTS]
    parser = argparse.ArgumentParser(prog="python3 -m benches", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="as little as shows that all runs: nothing to cite")
    parser.add_argument("--only", nargs="+", metavar="PART", default=[], help="only these: " + ", ".join(names))
    parser.add_argument("--list", action="store_true", help="say what there is and end")
    parser.add_argument("--resume", action="store_true", help="keep parts that were measured already, in the same folder and as quick or not")
    parser.add_argument("--out", default=os.path.join(target, "benchmarks"), help="folder for results and logs")
    parser.add_argument("--page", help="the page to write; by default docs/benchmarks.md, with --quick a copy of it in the folder of --out")
    parser.add_argument("--binaries", metavar="FOLDER", help="measure these instead of building them")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    parser.add_argument("--uws-echo", metavar="PATH", help="uWebSockets' EchoServer, taking its port as argument")
    parser.add_argument("--uws-load", metavar="PATH", help="uWebSockets' load_test, asking for the path /echo")
    parser.add_argument("--compare", action="append", default=[], metavar="ARGUMENTS", help="what `ringway-load compare` shall compare: 'A.toml B.toml fanout --rate 100'; may be given several times")
    options = parser.parse_args()
    unknown = set(options.only) - set(names)
    if unknown:
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    options.out, options.target = os.path.abspath(options.out), target
    options.binaries = options.binaries and os.path.abspath(options.binaries)
    return options


def main() -> None:
    options = arguments()
    # Whoever ends us, what we started ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = [part for part in PARTS if not options.only or part.name in options.only]
    if options.list:
        tell(chosen, options.quick)
        return
    os.chdir(ROOT)
    os.makedirs(options.out, exist_ok=True)
    page = options.page or (copy_page(options.out) if options.quick else PAGE)
    check_page(page)
    ground = Ground(
        folder=options.out, binaries=named(options.binaries) if options.binaries else build(options.target), quick=options.quick, server_core=options.server_core,
        client_core=options.client_core, uws_echo=options.uws_echo, uws_load=options.uws_load, compare=tuple(options.compare),
    )
    began, commit = time.monotonic(), machine.commit()
    for part in chosen:
        kept = record.read(options.out, part.name) if options.resume else None
        if kept and kept.is_measured() and kept.quick == options.quick:
            print(f"{stamp(began)}  {part.name}: kept, of {kept.caption()}", flush=True)
            continue
        print(f"{stamp(began)}  {part.name}: {part.what}, about {minutes(part, options.quick)}", flush=True)
        found = measure(part, ground, commit)
        record.write(options.out, found)
        print(f"{stamp(began)}  {part.name}: {found.state}, {found.seconds:.0f} s{f': {found.reason}' if found.reason else ''}", flush=True)
        # After each part: who looks in, or has to stop, has what there is.
        write_page(page, options, [part])
    write_page(page, options, chosen)
    states = [kept.state if (kept := record.read(options.out, part.name)) else FAILED for part in chosen]
    print(f"{stamp(began)}  {os.path.relpath(page)}: {states.count(MEASURED)} parts measured, {states.count(FAILED)} failed, {states.count(SKIPPED)} left out")
    sys.exit(FAILED in states)


def tell(parts: list[Part], quick: bool) -> None:
    for part in parts:
        print(f"{part.name:<12} {minutes(part, quick):>8}  {part.what}")
        for missing in needs.what_is_missing(part.needs):
            print(f"{'':<12} {'':>8}  MISSING: {missing}")
    print(f"{'all':<12} {sum(part.minutes[quick] for part in parts):>5.0f} min")


def minutes(part: Part, quick: bool) -> str:
    return f"{part.minutes[quick]:g} min"


def build(target: str) -> str:
    """The folder of fresh release binaries."""
    command = ["cargo", "build", "--release", "--locked", *(word for package in PACKAGES for word in ("-p", package))]
    print(f"building: {' '.join(command)}", flush=True)
    try:
        code = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
    except FileNotFoundError:
        sys.exit("`cargo` is missing: install rustup (https://rustup.rs), or name a folder of binaries with --binaries")
    if code:
        sys.exit("the build failed: see above")
    return os.path.join(target, "release")


def named(folder: str) -> str:
    """A folder of binaries that somebody else has built."""
    for name in BINARIES:
        if not os.access(os.path.join(folder, name), os.X_OK):
            sys.exit(f"{folder} has no `{name}`: build it there, or leave out --binaries")
    return folder


def measure(part: Part, ground: Ground, commit: str) -> Record:
    """A record whatever happens, but for a signal to end."""
    began, date = time.monotonic(), datetime.date.today().isoformat()
    found = Record(part.name, MEASURED, date, commit, ground.quick)
    missing = needs.what_is_missing(part.needs)
    log = ground.log(part.name)
    if os.path.exists(log):
        os.remove(log)
    try:
        if missing:
            raise LeftOut("; ".join(missing))
        found.data = part.measure(ground)
    except LeftOut as why:
        found.state, found.reason = SKIPPED, for_the_page(str(why))
    except Failed as why:
        found.state, found.reason = FAILED, for_the_page(str(why))
    except (OSError, LookupError, ValueError, RuntimeError) as why:
        found.state, found.reason = FAILED, for_the_page(f"{type(why).__name__}: {why}")
    found.seconds = round(time.monotonic() - began, 1)
    return found


def copy_page(folder: str) -> str:
    """The page as it is now, in another folder."""
    return shutil.copyfile(PAGE, os.path.join(folder, "benchmarks.md"))


def check_page(page: str) -> None:
    """Before anything is measured: the page is there and has all sections once."""
    try:
        with open(page) as file:
            text = file.read()
    except OSError as why:
        sys.exit(f"{page}: {why.strerror}")
    for name in (MACHINE, *(section.name for section in SECTIONS)):
        try:
            markers.replace(text, name, "")
        except markers.NoSection as why:
            sys.exit(f"{page}: {why}")


def write_page(page: str, options: argparse.Namespace, parts: list[Part]) -> None:
    """Rewrites the sections that these parts belong to, from what all parts of the folder found."""
    with open(page) as file:
        text = file.read()
    records = {part.name: kept for part in PARTS if (kept := record.read(options.out, part.name)) and kept.quick == options.quick}
    # A copy shows all that its folder has; on the page itself what was not asked for stays as it is.
    shown = records.keys() if options.quick and not options.page else {part.name for part in parts}
    for section in SECTIONS:
        if shown & set(section.parts):
            text = markers.replace(text, section.name, render(section, records))
    text = markers.replace(text, MACHINE, write_machine(machine.facts(machine.read_file, datetime.date.today().isoformat(), machine.commit())))
    with open(f"{page}.new", "w") as file:
        file.write(text)
    os.replace(f"{page}.new", page)
    found = records.get("loss")
    if any(part.name == "loss" for part in parts) and found and found.is_measured() and not options.quick:
        loss.draw(found, page)


def stamp(began: float) -> str:
    minutes_, seconds = divmod(int(time.monotonic() - began), 60)
    return f"{minutes_:3}:{seconds:02}"


if __name__ == "__main__":
    main()
