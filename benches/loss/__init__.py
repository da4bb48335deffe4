"""How old the newest state is at the other end of bad networks: the loss table of docs/benchmarks.md."""
