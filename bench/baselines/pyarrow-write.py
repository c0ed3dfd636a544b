"""pyarrow writing one table with one thread: the decode is not counted.

usage: pyarrow-write.py SECONDS FILE... ; writes again until it took so much CPU time, and prints {"rows": N, "cpuSeconds": S, "outputBytes": B, "version": "..."}
The first write warms pools and caches and is not counted, as no first pass of ours is.
Each write makes a file of its own, as those of a lake are: one written over again would find its pages in the page cache.
Settings: zstd level 1, dictionary on, data page v1, statistics on, one thread: its best for this comparison.
"""
import json
import os
import sys
import tempfile
import time

import pyarrow as pa
import pyarrow.parquet as pq

pa.set_cpu_count(1)
pa.set_io_thread_count(1)
# A file by itself: a table read by path would take the folders' names for columns.
table = pa.concat_tables([pq.ParquetFile(path).read(use_threads=False) for path in sys.argv[2:]])
table = table.combine_chunks()
rounds = 0
cpu = 0.0
warm = False
with tempfile.TemporaryDirectory() as folder:
    while cpu < float(sys.argv[1]):
        target = os.path.join(folder, f"written-{rounds}-{warm}.parquet")
        started = time.process_time()
        pq.write_table(table, target, compression="zstd", compression_level=1, use_dictionary=True)
        spent = time.process_time() - started
        if warm:
            cpu += spent
            rounds += 1
        warm = True
    size = os.path.getsize(target)
print(json.dumps({"rows": table.num_rows * rounds, "cpuSeconds": cpu, "outputBytes": size,
                  "version": pa.__version__}))
