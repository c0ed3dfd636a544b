"""Reads Parquet files as one table with pyarrow and DuckDB and prints what they see, one JSON object.

usage: read_table.py FILE ...

Bytes are shown as hex, times in ISO form with microseconds, 64-bit numbers as they are.
"""

import datetime
import json
import sys

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq


def shown(value):
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds")
    if isinstance(value, dict):
        return {str(key): shown(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [shown(each) for each in value]
    return value


def plain(kind):
    """INT96 is read as nanoseconds, which Python's datetime cannot hold."""
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    return kind


def nullable(field):
    """A field of a group that one version lacks is null there, so no inner field may forbid it."""
    kind = field.type
    if pa.types.is_struct(kind):
        kind = pa.struct([nullable(each) for each in kind])
    elif pa.types.is_list(kind):
        kind = pa.list_(nullable(kind.value_field))
    elif pa.types.is_map(kind):
        kind = pa.map_(kind.key_type, nullable(kind.item_field))
    return pa.field(field.name, kind, nullable=True)


def main(paths):
    schemas = [pa.schema([nullable(each) for each in pq.read_schema(path)]) for path in paths]
    schema = pa.unify_schemas(schemas, promote_options="permissive")
    table = ds.dataset(paths, schema=schema).to_table()
    table = table.cast(pa.schema([field.with_type(plain(field.type)) for field in table.schema]))
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    files = ", ".join(f"'{path}'" for path in paths)
    query = f"select * from read_parquet([{files}], union_by_name = true)"
    duck = connection.execute(query).to_arrow_table()
    print(
        json.dumps(
            {
                "pyarrow": [shown(row) for row in table.to_pylist()],
                "duckdb": [shown(row) for row in duck.to_pylist()],
                "types": {field.name: str(field.type) for field in schema},
                "duckdbTypes": dict(
                    connection.execute(f"select column_name, column_type from (describe {query})").fetchall()
                ),
            }
        )
    )


main(sys.argv[1:])
