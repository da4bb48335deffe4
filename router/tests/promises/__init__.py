"""The promises of a cluster, kept by real processes: a node each in a network namespace of its own, etcd, and a load that checks what clients are told."""
