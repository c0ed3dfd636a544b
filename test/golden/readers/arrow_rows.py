"""Rows of an Arrow table: what most readers in Python can give."""

import pyarrow as pa

from canonical import shown


def shown_scalar(scalar):
    """Timestamps by their number: Python's datetime has fewer years."""
    kind = scalar.type
    if not scalar.is_valid:
        return None
    if pa.types.is_dictionary(kind):
        return shown_scalar(scalar.value)
    if pa.types.is_map(kind):
        entries = scalar.values
        return {"map": [[shown_scalar(each["key"]), shown_scalar(each["value"])] for each in entries]}
    if pa.types.is_nested(kind) and pa.types.is_struct(kind):
        return {field.name: shown_scalar(scalar[field.name]) for field in kind}
    if pa.types.is_nested(kind):
        return [shown_scalar(each) for each in scalar.values]
    if pa.types.is_timestamp(kind):
        return shown_time(scalar.value, kind.unit)
    return shown(scalar.as_py())


def shown_time(value, unit):
    if unit == "ns" and value % 1_000:
        return {"nanos": str(value)}
    if unit == "ns":
        return {"micros": str(value // 1_000)}
    return {"micros": str(value * {"s": 1_000_000, "ms": 1_000, "us": 1}[unit])}


def column_values(column):
    if pa.types.is_nested(column.type) or pa.types.is_timestamp(column.type):
        return [shown_scalar(each) for each in column]
    return [shown(each) for each in column.to_pylist()]


def arrow_rows(table):
    columns = [column_values(column) for column in table.columns]
    return [dict(zip(table.column_names, values)) for values in zip(*columns)]
