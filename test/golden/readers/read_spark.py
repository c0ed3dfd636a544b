"""Apache Spark, in three ways: read_spark.py JOBS vectorised | rows | hive.

vectorised: Spark's own reader by columns, nested ones too.
rows: Spark's own reader by rows, on parquet-java.
hive: an external Hive table read by the reader of Hive 2.3 that Spark carries. Unsigned 64-bit
  integers are declared as bigint, for want of a type in Hive.

One thread, a heap of 700 MB, times in UTC.
"""

import os
import shutil
import sys
import tempfile
import time

os.environ["TZ"] = "UTC"
time.tzset()

from pyspark.sql import SparkSession
from pyspark.sql import functions as f
from pyspark.sql import types as t

from canonical import answer, literal, shown

way = sys.argv[2]
scratch = tempfile.mkdtemp(prefix="lakeward-spark-")
builder = (
    SparkSession.builder.master("local[1]")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.memory", "700m")
    .config(
        "spark.driver.extraJavaOptions",
        f"-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dderby.system.home={scratch}",
    )
    .config("spark.ui.enabled", "false")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.warehouse.dir", f"{scratch}/warehouse")
    .config("spark.sql.parquet.enableVectorizedReader", str(way == "vectorised").lower())
    .config("spark.sql.parquet.enableNestedColumnVectorizedReader", "true")
    .config("spark.sql.parquet.columnarReaderBatchSize", "1000")
    .config("spark.sql.debug.maxToStringFields", "10")
)
if way == "hive":
    builder = (
        builder.enableHiveSupport()
        .config("spark.sql.hive.convertMetastoreParquet", "false")
        .config(
            "spark.hadoop.javax.jdo.option.ConnectionURL",
            f"jdbc:derby:;databaseName={scratch}/derby;create=true",
        )
    )
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")


def value_of(value, kind):
    if value is None:
        return None
    if isinstance(kind, t.StructType):
        return {field.name: value_of(value[field.name], field.dataType) for field in kind}
    if isinstance(kind, t.ArrayType):
        return [value_of(each, kind.elementType) for each in value]
    if isinstance(kind, t.MapType):
        return {
            "map": [
                [value_of(key, kind.keyType), value_of(each, kind.valueType)]
                for key, each in value.items()
            ]
        }
    return shown(value)


def opened(path):
    frame = spark.read.parquet(path)
    return through_hive(frame, path) if way == "hive" else frame


def hive_type(kind):
    """Hive has no unsigned types; Spark shows those of 64 bits as decimals."""
    if isinstance(kind, t.StructType):
        inner = ",".join(f"`{field.name}`:{hive_type(field.dataType)}" for field in kind)
        return f"struct<{inner}>"
    if isinstance(kind, t.ArrayType):
        return f"array<{hive_type(kind.elementType)}>"
    if isinstance(kind, t.MapType):
        return f"map<{hive_type(kind.keyType)},{hive_type(kind.valueType)}>"
    return "bigint" if isinstance(kind, t.DecimalType) else kind.simpleString()


def through_hive(frame, path):
    """Hive reads folders, so that the file gets one of its own."""
    folder = tempfile.mkdtemp(dir=scratch)
    os.symlink(path, f"{folder}/golden.parquet")
    columns = ", ".join(f"`{each.name}` {hive_type(each.dataType)}" for each in frame.schema)
    spark.sql("drop table if exists golden")
    spark.sql(f"create external table golden ({columns}) stored as parquet location '{folder}'")
    return spark.table("golden")


def rows(path):
    """Times of the top by their number: Python's datetime has fewer years."""
    frame = opened(path)
    times = {each.name for each in frame.schema if isinstance(each.dataType, t.TimestampType)}
    columns = [
        f.expr(f"unix_micros(`{name}`)").alias(name) if name in times else f.col(f"`{name}`")
        for name in frame.columns
    ]
    found = []
    for row in frame.select(columns).collect():
        values = {}
        for index, field in enumerate(frame.schema):
            value = row[index]
            if field.name in times:
                values[field.name] = None if value is None else {"micros": str(value)}
            else:
                values[field.name] = value_of(value, field.dataType)
        found.append(values)
    return found


def count(path, column, operator, value):
    return opened(path).where(f"`{column}` {operator} {literal(value)}").count()


answer(spark.version, rows, count)
spark.stop()
shutil.rmtree(scratch, ignore_errors=True)
