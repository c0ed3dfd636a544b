"""hudi-rs: each file as the base file of a copy-on-write table with one commit (version 6).

The commit names no schema, so that it comes from the file. Comparisons are the reader's filters,
which choose files by statistics and no rows: rows that are left over are dropped here.
"""

import json
import os
import shutil
import tempfile
from importlib import metadata

import hudi
import pyarrow as pa
import pyarrow.compute as pc

from arrow_rows import arrow_rows
from canonical import answer, plain

compare = {"=": pc.equal, "<": pc.less, ">": pc.greater}
instant = "20261120130000000"
group = "00000000-0000-0000-0000-000000000000-0"
properties = {
    "hoodie.table.name": "golden",
    "hoodie.table.type": "COPY_ON_WRITE",
    "hoodie.table.version": "6",
    "hoodie.timeline.layout.version": "1",
    "hoodie.table.base.file.format": "PARQUET",
    "hoodie.populate.meta.fields": "false",
    "hoodie.table.keygenerator.class": "org.apache.hudi.keygen.NonpartitionedKeyGenerator",
}


def table_of(path, root):
    name = f"{group}_0-0-0_{instant}.parquet"
    os.link(path, f"{root}/{name}")
    os.mkdir(f"{root}/.hoodie")
    with open(f"{root}/.hoodie/hoodie.properties", "w", encoding="utf8") as file:
        file.writelines(f"{key}={value}\n" for key, value in properties.items())
    stat = {"fileId": group, "path": name, "partitionPath": "", "fileSizeInBytes": os.path.getsize(path)}
    commit = {
        "partitionToWriteStats": {"": [stat]},
        "compacted": False,
        "extraMetadata": {},
        "operationType": "INSERT",
    }
    for suffix in ("commit.requested", "inflight"):
        open(f"{root}/.hoodie/{instant}.{suffix}", "w", encoding="utf8").close()
    with open(f"{root}/.hoodie/{instant}.commit", "w", encoding="utf8") as file:
        json.dump(commit, file)
    return hudi.HudiTableBuilder.from_base_uri(f"file://{root}").build()


def read(path, options):
    root = tempfile.mkdtemp(dir=os.path.dirname(path))
    try:
        table = table_of(path, root)
        batches = table.read(options)
        return pa.Table.from_batches(batches) if batches else pa.table({})
    finally:
        shutil.rmtree(root)


def rows(path):
    return arrow_rows(read(path, hudi.HudiReadOptions()))


def count(path, column, op, value):
    bound = str(plain(value))
    table = read(path, hudi.HudiReadOptions(filters=[(column, op, bound)]))
    if table.num_rows == 0:
        return 0
    found = table.column(column)
    return pc.sum(compare[op](found, pa.scalar(plain(value), found.type))).as_py() or 0


answer(metadata.version("hudi"), rows, count)
