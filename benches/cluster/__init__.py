"""A cluster of three nodes on one machine: what crosses its links, what a standby costs, what its map holds, and how long rooms stand still."""
