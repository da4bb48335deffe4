"""The page docs/benchmarks.md: parts that measure, sections that show what they found, and the machine that it was found on. Standard library only."""
