"""DataFusion (arrow-rs): statistics, page index and Bloom filters skip row groups and pages."""

import datafusion
import pyarrow as pa

from arrow_rows import arrow_rows
from canonical import answer, literal

config = datafusion.SessionConfig()
config = config.set("datafusion.execution.parquet.pushdown_filters", "true")


def opened(path):
    context = datafusion.SessionContext(config)
    context.register_parquet("golden", path)
    return context


def rows(path):
    frame = opened(path).sql("select * from golden")
    return arrow_rows(pa.Table.from_batches(frame.collect(), frame.schema()))


def count(path, column, operator, value):
    query = f'select count(*) as n from golden where "{column}" {operator} {literal(value)}'
    return opened(path).sql(query).to_pydict()["n"][0]


answer(datafusion.__version__, rows, count)
