# The part of .ci/autobahn that runs inside Jython (Python 2.7): the suite's fuzzing client and nothing else of it.
#
#   jython autobahn_client.py SITE URL CASES REPORT_DIRECTORY
import os
import sys
import types

site, url, cases, reports = sys.argv[1:]
suite = os.path.join(site, "autobahntestsuite")
sys.path[:0] = [site, suite]


def stand_in(name, **attributes):
    """A module that something imports and that is not needed here."""
    module = types.ModuleType(name)
    for key, value in attributes.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


from twisted.internet import selectreactor

selectreactor.install()
import twisted.internet

# TLS needs a C library, the pages of the fuzzing server an XML parser that Jython's is not, the package's own
# __init__ every command of the suite.
twisted.internet.ssl = stand_in("twisted.internet.ssl")
stand_in("twisted.web.server", Site=None)
stand_in("twisted.web.static", File=None)
stand_in("autobahntestsuite", __path__=[suite], __file__=os.path.join(suite, "__init__.py"), version="0.8.2")

from twisted.internet import reactor
import fuzzing

fuzzing.startClient(
    {
        "outdir": reports,
        "servers": [{"agent": "ringway", "url": url}],
        "cases": [str(case) for case in cases.split(",")],
        "exclude-cases": [],
        "exclude-agent-cases": {},
    }
)
reactor.run()
