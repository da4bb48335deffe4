"""What one loss among many nodes moves: arithmetic of the controller's own code (`ringway-bench placement`)."""

import json
import os
import subprocess

from ..side_by_side.figures import Row

OVER = 0.05


def rows(options):
    bench = os.path.join(options.binaries, "ringway-bench")
    done = subprocess.run([bench, "placement"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True, text=True)
    yield row(json.loads(done.stdout))


def row(found):
    what = f"slots that the loss of one of {found['nodes']} nodes of weights 1 to 4 moves, of {found['slots']:,}"
    measured = f"its share {found['over_worst'] * 100:+.2f} % at worst ({found['over_median'] * 100:+.2f} % in the middle)"
    beside = f"of others: {found['needless']}; the map is stored in {found['map_bytes']:,} B"
    return Row(what, measured, beside, "–", "≤ its share + 5 %, none of others", [found["over_worst"] + found["needless"]], OVER)
