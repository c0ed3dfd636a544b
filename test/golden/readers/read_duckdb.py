"""DuckDB: statistics and Bloom filters skip row groups."""

import duckdb

from arrow_rows import arrow_rows
from canonical import answer, literal

connection = duckdb.connect()
connection.execute("set timezone = 'UTC'")
connection.execute("set threads = 1")


def rows(path):
    return arrow_rows(connection.sql(f"from read_parquet('{path}')").to_arrow_table())


def count(path, column, operator, value):
    query = f"""select count(*) from read_parquet('{path}')
        where "{column}" {operator} {literal(value)}"""
    return connection.cursor().execute(query).fetchall()[0][0]


answer(duckdb.__version__, rows, count)
