"""Everything that docs/benchmarks.md says, measured again: `python3 -m benches`."""
