"""Rows and distinct orders of a table in a bucket, by pyarrow over S3.

usage: count.py ENDPOINT BUCKET/FOLDER
"""
import json
import os
import sys

import pyarrow.compute as pc
import pyarrow.dataset as ds
from pyarrow.fs import S3FileSystem

endpoint, folder = sys.argv[1:]
scheme, host = endpoint.split("://")
lake = S3FileSystem(
    access_key=os.environ["LAKE_ACCESS_KEY"],
    secret_key=os.environ["LAKE_SECRET_KEY"],
    endpoint_override=host,
    scheme=scheme,
    region="us-east-1",
    force_virtual_addressing=False,
)
table = ds.dataset(folder, filesystem=lake, format="parquet", exclude_invalid_files=False)
ids = table.to_table(columns=["id"]).column("id")
print(json.dumps({"rows": len(ids), "orders": pc.count_distinct(ids).as_py()}))
