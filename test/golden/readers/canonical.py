"""What all readers share: values as JSON, questions in, answers out.

usage of each reader: read_X.py JOBS

JOBS is a JSON file: [{"name": ..., "file": ..., "filters": [{"column", "operator", "value"}]}].
The first line printed is {"version": ...}; then one line a job: {"name", "rows", "counts"}, each
of the last two replaced by {"error": message} where the reader refuses.

Values are written as test/golden/features/seen.ts says.
"""

import datetime
import decimal
import json
import re
import sys

epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
microsecond = datetime.timedelta(microseconds=1)


def micros(moment):
    """Of a datetime, exactly; one without a zone is in UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return {"micros": str((moment - epoch) // microsecond)}


def shown(value):
    """A plain value, whatever reader it comes from."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return {"int": str(value)}
    if isinstance(value, float):
        return {"float": value.hex()}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, datetime.datetime):
        return micros(value)
    if isinstance(value, decimal.Decimal) and value == value.to_integral_value():
        return {"int": str(int(value))}
    return {"other": f"{type(value).__name__} {value}"}


def literal(value):
    """A value of a filter in SQL."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if "int" in value:
        return value["int"]
    return f"cast({float.fromhex(value['float'])!r} as double)"


def plain(value):
    """A value of a filter in Python."""
    if isinstance(value, str):
        return value
    return int(value["int"]) if "int" in value else float.fromhex(value["float"])


def message(error):
    """The first line of the innermost cause, without addresses and paths."""
    text = str(error).strip() or type(error).__name__
    causes = re.findall(r"^Caused by: (.*)$", text, re.MULTILINE)
    line = (causes[-1] if causes else text.splitlines()[0]).strip()
    line = re.sub(r"(file:)?/[\w./=-]+/", "", line)
    line = re.sub(r"0x[0-9a-f]{6,}|@[0-9a-f]{6,}", "", line)
    return f"{type(error).__name__}: {line}"[:300]


def attempted(work):
    try:
        return work()
    except Exception as error:  # Whatever a reader says is its answer.
        return {"error": message(error)}
    except BaseException as error:  # Panics of Rust are no Exception.
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return {"error": message(error)}


def answer(version, rows, count):
    """Answers all jobs.

    rows(file): the file's rows as a list of objects.
    count(file, column, operator, value): rows that match, skipping what the reader can.
    """
    print(json.dumps({"version": version}))
    with open(sys.argv[1], encoding="utf8") as jobs:
        for job in json.load(jobs):
            path = job["file"]
            counts = [
                attempted(lambda: count(path, f["column"], f["operator"], f["value"]))
                for f in job["filters"]
            ]
            read = attempted(lambda: rows(path))
            print(json.dumps({"name": job["name"], "rows": read, "counts": counts}), flush=True)
