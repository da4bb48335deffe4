"""The measured table of docs/benchmarks.md: real processes side by side, each row against a floor or a peer of the same run."""
