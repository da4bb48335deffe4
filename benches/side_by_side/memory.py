"""What idle sessions and many rooms hold, and whether many rooms make the others slower."""

from .figures import Row, show
from .rooms import Guests

SESSIONS = 15_000
ROOMS = 100_000


class Memory:
    name = "memory"

    def __init__(self, bench):
        self.bench = bench

    def alternation(self, figures):
        for name, tls in (("plain", False), ("tls", True)):
            server = self.bench.server(f"idle-{name}")
            # The first few pay for what is made once: runtime, tables, certificates.
            self.bench.load("connect", server, "--connections", 200, "--hold", "1s", tls=tls)
            summary = self.bench.load("connect", server, "--connections", SESSIONS, "--hold", "6s", tls=tls)
            figures.record(name, summary["server_bytes_per_session"] / 1024)
            if summary.get("kernel_slab_bytes_per_connection") is not None:
                figures.record(f"{name} kernel", summary["kernel_slab_bytes_per_connection"] / 2 / 1024)
            server.stop()
        self.rooms(figures)

    def rooms(self, figures):
        server = self.bench.server("rooms", "--set", "limits.session_rooms_max=256")
        with Guests(server.port) as few:
            figures.record("10 rooms join", few.join(10) * 1e6)
            figures.record("10 rooms publish", few.publish_us())
        with Guests(server.port) as guests:
            # Warm: the first session and room pay for what is made once.
            before = server.rss_kib()
            figures.record("100,000 rooms join", guests.join(ROOMS) * 1e6)
            figures.record("rooms", (server.rss_kib() - before) / ROOMS)
            figures.record("100,000 rooms publish", guests.publish_us())
        server.stop()

    def rows(self, figures):
        def row(what, name, reach, limit):
            kernel = figures.get(f"{name} kernel")
            beside = f"the kernel beside it: {show(kernel, 'KiB')}" if kernel else "–"
            return Row(what, show(figures.get(name), "KiB"), beside, "–", reach, figures.get(name), limit)

        yield row(f"idle session in one room, {SESSIONS:,} of them", "plain", "≤ 2 KiB", 2)
        yield row(f"idle TLS session, {SESSIONS:,} of them", "tls", "≤ 6 KiB", 6)
        yield row(f"{ROOMS:,} rooms with one member each", "rooms", "≤ 1 KiB", 1)
        for verb in ("join", "publish"):
            ratio = figures.ratio(f"100,000 rooms {verb}", f"10 rooms {verb}")
            yield Row(
                f"{verb} with 100,000 rooms", show(figures.get(f"100,000 rooms {verb}"), "µs"),
                "with 10: " + show(figures.get(f"10 rooms {verb}"), "µs"), show(ratio), "≤ 1.1", ratio, 1.1,
            )
