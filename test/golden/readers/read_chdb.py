"""ClickHouse in a process (chdb): statistics and Bloom filters skip row groups.

Its type String holds any bytes, so texts come as bytes.
"""

import chdb

from arrow_rows import arrow_rows
from canonical import answer, literal

settings = """session_timezone='UTC', input_format_parquet_bloom_filter_push_down=1,
    output_format_arrow_string_as_string=0, input_format_parquet_preserve_order=1"""
version = chdb.query("select version()", "CSV")


def rows(path):
    return arrow_rows(
        chdb.query(f"select * from file('{path}', Parquet) settings {settings}", "ArrowTable")
    )


def count(path, column, operator, value):
    query = f"""select count() from file('{path}', Parquet)
        where `{column}` {operator} {literal(value)} settings {settings}"""
    return int(str(chdb.query(query, "CSV")))


answer(f"{chdb.__version__} (ClickHouse {str(version).strip().strip(chr(34))})", rows, count)
