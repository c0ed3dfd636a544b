"""Reads a Parquet file with pyarrow and DuckDB and prints what they see, one JSON object.

usage: read_parquet.py FILE [DUCKDB_QUERY ...]

Values whose type JSON does not keep are wrapped: {"int": "5"}, {"float": "0x1.8p+0"},
{"bytes": "00ff"}, {"ms": "1700000000000"}, {"map": [[key, value], ...]}.
"""

import datetime
import decimal
import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq


def shown(value, kind):
    if value is None:
        return None
    if pa.types.is_map(kind):
        entries = value.items() if isinstance(value, dict) else value
        return {"map": [[shown(k, kind.key_type), shown(v, kind.item_type)] for k, v in entries]}
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return [shown(each, kind.value_type) for each in value]
    if pa.types.is_struct(kind):
        return {field.name: shown(value[field.name], field.type) for field in kind}
    if isinstance(value, bool) or isinstance(value, str):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, datetime.datetime):
        return {"ms": str(round(value.timestamp() * 1000))}
    if isinstance(value, decimal.Decimal):
        return {"int": str(value)}
    raise TypeError(f"{type(value)} of {kind}")


def rows(table):
    columns = [
        [shown(each, field.type) for each in table.column(index).to_pylist()]
        for index, field in enumerate(table.schema)
    ]
    return [dict(zip(table.schema.names, values)) for values in zip(*columns)]


def main(path, queries):
    file = pq.ParquetFile(path, page_checksum_verification=True)
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    through_duckdb = connection.execute(f"select * from read_parquet('{path}')").to_arrow_table()
    meta = file.metadata
    print(
        json.dumps(
            {
                "pyarrow": rows(file.read()),
                "duckdb": rows(through_duckdb),
                "types": {field.name: str(field.type) for field in file.schema_arrow},
                "rowGroups": [meta.row_group(i).num_rows for i in range(meta.num_row_groups)],
                "createdBy": meta.created_by,
                "keyValues": {
                    key.decode(): value.decode() for key, value in (meta.metadata or {}).items()
                },
                "fieldIds": {
                    field.name: (field.metadata or {}).get(b"PARQUET:field_id", b"").decode()
                    for field in file.schema_arrow
                },
                "statistics": [
                    {
                        meta.row_group(i).column(c).path_in_schema: bounds(meta.row_group(i).column(c))
                        for c in range(meta.num_columns)
                    }
                    for i in range(meta.num_row_groups)
                ],
                "queries": [connection.execute(query).fetchall() for query in queries],
            }
        )
    )


def bounds(column):
    statistics = column.statistics
    if statistics is None:
        return None
    ends = [statistics.min, statistics.max] if statistics.has_min_max else [None, None]
    return [statistics.null_count, *[str(end) if end is not None else None for end in ends]]


main(sys.argv[1], sys.argv[2:])
