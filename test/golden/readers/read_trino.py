"""Trino: read_trino.py JOBS HOME JAVA, each file as an external table of the Hive connector.

HOME is the folder of a server's distribution, JAVA the program that runs it. The server is one
process on loopback with a metastore of files; it ends with this one.

Columns are declared as the file has them, unsigned integers as bigint: Trino has no type for them.
Timestamps are declared with nanoseconds, which hive.timestamp-precision must allow.
"""

import base64
import datetime
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

import pyarrow as pa
import pyarrow.parquet as pq

from canonical import answer, literal, shown

home, java = sys.argv[2:4]
scratch = tempfile.mkdtemp(prefix="lakeward-trino-")
start_seconds_max = 300
table_count = 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


port = free_port()
address = f"http://127.0.0.1:{port}"
server_keys = f"""coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
http-server.threads.max=64
discovery.uri={address}
node.internal-address=127.0.0.1
catalog.config-dir={scratch}/catalog
plugin.dir={home}/plugin
task.concurrency=1
query.max-memory-per-node=300MB
memory.heap-headroom-per-node=200MB
"""
catalog_keys = f"""connector.name=hive
hive.metastore=file
hive.timestamp-precision=NANOSECONDS
hive.parquet.time-zone=UTC
"""
# The connector's access to local files and its names for them differ between releases.
file_system_keys = f"""fs.native-local.enabled=true
local.location={scratch}
hive.metastore.catalog.dir=local:///metastore
"""
old_file_system_keys = f"hive.metastore.catalog.dir=file://{scratch}/metastore\n"


def is_old():
    """Releases before the file systems of Trino's own read file: by Hadoop's."""
    return not any("trino-filesystem-manager" in name for name in os.listdir(f"{home}/plugin/hive"))


def location_of(folder):
    return f"file://{scratch}/{folder}" if is_old() else f"local:///{folder}"


def started():
    os.makedirs(f"{scratch}/catalog")
    files = old_file_system_keys if is_old() else file_system_keys
    for path, text in [("config.properties", server_keys), ("catalog/hive.properties", catalog_keys + files)]:
        with open(f"{scratch}/{path}", "w", encoding="utf8") as file:
            file.write(text)
    return subprocess.Popen(
        [
            java,
            "-Xmx1000m",
            "-XX:+UseG1GC",
            "-XX:TieredStopAtLevel=1",
            "-XX:ReservedCodeCacheSize=256M",
            "-Djdk.attach.allowAttachSelf=true",
            "-Dfile.encoding=UTF-8",
            "-Duser.timezone=UTC",
            "-Dnode.environment=golden",
            "-Dnode.id=golden",
            "-Dnode.bind-ip=127.0.0.1",
            f"-Dnode.data-dir={scratch}/data",
            f"-Dconfig={scratch}/config.properties",
            "-cp",
            f"{home}/lib/*",
            "io.trino.server.TrinoServer",
        ],
        cwd=scratch,
        stdout=open(f"{scratch}/log", "w", encoding="utf8"),
        stderr=subprocess.STDOUT,
    )


# Without the capability every timestamp is sent with milliseconds.
headers = {
    "X-Trino-User": "golden",
    "X-Trino-Catalog": "hive",
    "X-Trino-Schema": "golden",
    "X-Trino-Time-Zone": "UTC",
    "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
}


class QueryFailed(Exception):
    """What Trino answers instead of rows."""


def asked(url, body=None):
    request = urllib.request.Request(url, data=body and body.encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=120) as reply:
        return json.load(reply)


def caused(failure):
    while "cause" in failure:
        failure = failure["cause"]
    return f"{failure['type'].rpartition('.')[2]}: {failure.get('message')}"


def query(text):
    """Rows, as Trino's protocol has them."""
    found = []
    page = asked(f"{address}/v1/statement", text)
    while True:
        if "error" in page:
            raise QueryFailed(caused(page["error"]["failureInfo"]))
        found.extend(page.get("data", []))
        if "nextUri" not in page:
            return found
        page = asked(page["nextUri"])


def await_ready(server):
    """Until a table is read: a node says late that it serves a catalog."""
    until = time.monotonic() + start_seconds_max
    os.mkdir(f"{scratch}/ready")
    made = f"(x bigint) with (format = 'PARQUET', external_location = '{location_of('ready')}')"
    while True:
        try:
            query("create schema if not exists hive.golden")
            query(f"create table if not exists ready {made}")
            query("select * from ready")
            return
        except (OSError, QueryFailed):
            pass
        if server.poll() is not None or time.monotonic() > until:
            with open(f"{scratch}/log", encoding="utf8") as log:
                sys.exit(log.read()[-4_000:])
        time.sleep(0.5)


def named(name):
    return '"' + name.replace('"', '""') + '"'


def declared(kind):
    if pa.types.is_struct(kind):
        return f"row({', '.join(f'{named(each.name)} {declared(each.type)}' for each in kind)})"
    if pa.types.is_map(kind):
        return f"map({declared(kind.key_type)}, {declared(kind.item_type)})"
    if pa.types.is_list(kind):
        return f"array({declared(kind.value_type)})"
    if pa.types.is_timestamp(kind):
        return "timestamp(9)"
    return {
        pa.bool_(): "boolean",
        pa.int32(): "integer",
        pa.int64(): "bigint",
        pa.uint32(): "bigint",
        pa.uint64(): "bigint",
        pa.float32(): "real",
        pa.float64(): "double",
        pa.string(): "varchar",
        pa.binary(): "varbinary",
    }[kind]


def opened(path):
    """A table of this file alone: tables are made of folders. @returns its name and schema."""
    global table_count
    table_count += 1
    name = f"golden_{table_count}"
    os.mkdir(f"{scratch}/{name}")
    shutil.copy(path, f"{scratch}/{name}/golden.parquet")
    schema = pq.read_schema(path)
    columns = ", ".join(f"{named(each.name)} {declared(each.type)}" for each in schema)
    query(
        f"create table {name} ({columns}) with "
        f"(format = 'PARQUET', external_location = '{location_of(name)}')"
    )
    return name, schema


def value_of(value, kind):
    """Of JSON, by the column's type: names of groups come in lower case, so the file's are used."""
    if value is None:
        return None
    if pa.types.is_struct(kind):
        return {each.name: value_of(value[index], each.type) for index, each in enumerate(kind)}
    if pa.types.is_map(kind):
        return {
            "map": [
                [value_of(key_of(key, kind.key_type), kind.key_type), value_of(each, kind.item_type)]
                for key, each in value.items()
            ]
        }
    if pa.types.is_list(kind):
        return [value_of(each, kind.value_type) for each in value]
    if pa.types.is_timestamp(kind):
        return time_of(value)
    if pa.types.is_float32(kind):
        return shown(struct.unpack("f", struct.pack("f", float(value)))[0])
    if pa.types.is_floating(kind):
        return shown(float(value))
    if pa.types.is_binary(kind):
        return shown(base64.b64decode(value))
    return shown(value)


def key_of(text, kind):
    """Keys of maps are names in JSON."""
    if pa.types.is_boolean(kind):
        return text == "true"
    return int(text) if pa.types.is_integer(kind) else text


def time_of(text):
    day, clock = text.split(" ")
    hours, minutes, seconds = clock.split(":")
    whole, _, part = seconds.partition(".")
    days = datetime.date.fromisoformat(day).toordinal() - datetime.date(1970, 1, 1).toordinal()
    of_day = (int(hours) * 60 + int(minutes)) * 60 + int(whole)
    nanos = (days * 86_400 + of_day) * 1_000_000_000 + int(part.ljust(9, "0") or 0)
    return {"nanos": str(nanos)} if nanos % 1_000 else {"micros": str(nanos // 1_000)}


def rows(path):
    name, schema = opened(path)
    found = query(f"select * from {name}")
    return [{each.name: value_of(row[index], each.type) for index, each in enumerate(schema)} for row in found]


def count(path, column, operator, value):
    name, _ = opened(path)
    condition = f"{named(column)} {operator} {literal(value)}"
    return query(f"select count(*) from {name} where {condition}")[0][0]


server = started()
try:
    await_ready(server)
    answer(asked(f"{address}/v1/info")["nodeVersion"]["version"], rows, count)
finally:
    server.terminate()
    server.wait()
    shutil.rmtree(scratch, ignore_errors=True)
