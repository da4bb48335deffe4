"""`python3 -m promises BINARIES DIRECTORY [--times N | --rolling N | NAMES…]`, alone in namespaces of its own: `run` does that, and cleans up."""

import argparse
import os
import pkgutil
import shutil
import sys
import unittest

from . import promise
from .network import Network, Unavailable
from .report import Lines
from .rounds import Rounds


def main():
    arguments = parse()
    try:
        network = Network(promise.Promise.nodes)
    except Unavailable as fault:
        print(f"promises skipped: {fault}")
        return 0
    promise.place = promise.Place(copied(arguments), arguments.directory, network)
    suite = unittest.TestSuite()
    if arguments.times:
        suite.addTest(rounds("test_failovers", arguments.times))
    if arguments.rolling:
        suite.addTest(rounds("test_restarts", arguments.rolling))
    result = Lines()
    (suite if suite.countTestCases() else chosen(arguments.names)).run(result)
    if not result.testsRun:
        sys.exit(f"no promise has any of {arguments.names} in its name")
    return 0 if result.wasSuccessful() else 1


def parse():
    parser = argparse.ArgumentParser(prog="run")
    parser.add_argument("binaries")
    parser.add_argument("directory")
    parser.add_argument("--times", type=int, metavar="N", help="instead: so many failovers under one load")
    parser.add_argument("--rolling", type=int, metavar="N", help="instead: so many restarts of a node under one load")
    parser.add_argument("names", nargs="*")
    return parser.parse_args()


def copied(arguments):
    """Where copies of the binaries are: nodes are started again on the way, and must not be of another build then."""
    binaries = os.path.join(arguments.directory, "bin")
    os.mkdir(binaries)
    for name in ("ringway", "ringway-load"):
        shutil.copy2(os.path.join(arguments.binaries, name), binaries)
    return binaries


def rounds(name, times):
    test = Rounds(name)
    test.times = times
    return test


def chosen(names):
    """The tests that have one of these words in their name; all without words."""
    loader, suite = unittest.TestLoader(), unittest.TestSuite()
    modules = [module.name for module in pkgutil.iter_modules(sys.modules[__package__].__path__) if module.name.startswith("test_")]
    for module in modules:
        for case in loader.loadTestsFromName(f"{__package__}.{module}"):
            suite.addTests(test for test in case if not names or any(name in test.id() for name in names))
    return suite


sys.exit(main())
