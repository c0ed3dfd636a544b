"""Makes foreign-blocks.json: `python foreign-blocks.py > foreign-blocks.json`.

Needs pyarrow (raw snappy, LZ4 frames) and the command lz4 (Debian). The bytes that are packed are
those of `sampleBytes` in foreign-sample.ts.
"""
import base64
import json
import subprocess

import pyarrow


def sample(size):
    out = bytearray()
    state = 12345
    words = [b"page_view", b"purchase", b"country=DE;", b"a" * 37]
    while len(out) < size:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        out += words[(state >> 16) & 3] + bytes([(state >> 8) & 255])
    return bytes(out[:size])


def lz4(options, data):
    command = ["lz4", "-c", "-z", *options]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


small = sample(600)
large = sample(1000) * 140
packed = {
    "snappy of pyarrow": (600, "snappy", pyarrow.compress(small, codec="snappy", asbytes=True)),
    "lz4 of pyarrow": (600, "lz4", pyarrow.compress(small, codec="lz4", asbytes=True)),
    "lz4 frame": (600, "lz4", lz4([], small)),
    "lz4 frame with every checksum and its size": (
        600,
        "lz4",
        lz4(["-BX", "--content-size", "-9"], small),
    ),
    "lz4 frame with linked blocks": (140000, "lz4", lz4(["-B4", "-BD"], large)),
    "two lz4 frames": (600, "lz4", lz4([], small[:200]) + lz4([], small[200:])),
    "snappy of much": (140000, "snappy", pyarrow.compress(large, codec="snappy", asbytes=True)),
}
rows = [
    {"name": name, "sizeBytes": size, "codec": codec, "base64": base64.b64encode(data).decode()}
    for name, (size, codec, data) in packed.items()
]
print(json.dumps(rows, indent=2))
