"""pyarrow (Arrow C++). Checksums of pages are verified; filters skip row groups by statistics."""

import operator

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from arrow_rows import arrow_rows
from canonical import answer, plain

compare = {"=": operator.eq, "<": operator.lt, ">": operator.gt}


def rows(path):
    return arrow_rows(pq.ParquetFile(path, page_checksum_verification=True).read())


def count(path, column, op, value):
    dataset = ds.dataset(path)
    bound = pa.scalar(plain(value), dataset.schema.field(column).type)
    return dataset.count_rows(filter=compare[op](ds.field(column), bound))


answer(pa.__version__, rows, count)
