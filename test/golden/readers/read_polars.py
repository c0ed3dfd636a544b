"""Polars, by its lazy scan: statistics skip row groups."""

import operator

import polars as pl

from arrow_rows import arrow_rows
from canonical import answer, plain

compare = {"=": operator.eq, "<": operator.lt, ">": operator.gt}


def rows(path):
    return arrow_rows(pl.read_parquet(path).to_arrow())


def count(path, column, op, value):
    frame = pl.scan_parquet(path, glob=False)
    bound = pl.lit(plain(value), dtype=frame.collect_schema()[column])
    return frame.filter(compare[op](pl.col(column), bound)).select(pl.len()).collect().item()


answer(pl.__version__, rows, count)
