"""What pyarrow and DuckDB see of a Parquet file beside its rows, one JSON object.

usage: read_format.py FILE [DUCKDB_QUERY ...]

All pages are read by pyarrow with their checksums verified.
"""

import json
import sys

import duckdb
import pyarrow.parquet as pq


def chunk(column):
    return {
        "path": column.path_in_schema,
        "compression": column.compression,
        "encodings": list(column.encodings),
        "columnIndex": column.has_column_index,
        "offsetIndex": column.has_offset_index,
    }


def main(path, queries):
    file = pq.ParquetFile(path, page_checksum_verification=True)
    meta = file.metadata
    connection = duckdb.connect()
    groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
    print(
        json.dumps(
            {
                "rows": file.read().num_rows,
                "keyValues": {k.decode(): v.decode() for k, v in (meta.metadata or {}).items()},
                "sortedBy": [
                    [meta.schema.column(s.column_index).path for s in group.sorting_columns]
                    for group in groups
                ],
                "chunks": [[chunk(g.column(c)) for c in range(g.num_columns)] for g in groups],
                "queries": [connection.execute(query).fetchall() for query in queries],
            },
            default=str,
        )
    )


main(sys.argv[1], sys.argv[2:])
