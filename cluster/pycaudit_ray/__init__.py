"""Runs pycaudit on many machines: one Ray task per shard, a saved run (JSON Lines) per shard, one report of all.

`storage` lists and fetches, `shards` cuts a listing into shards, `worker` scans one, `driver` hands them out. None of them reads
packages: that is pycaudit's work, in a process of its own.
"""

__version__ = "0.1.0"
