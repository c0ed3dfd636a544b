"""Writes opentelemetry.desc: all schemas of opentelemetry-proto 1.45.2 (Apache-2.0) as one FileDescriptorSet.

    pip install opentelemetry-proto==1.45.2
    python opentelemetry_desc.py > opentelemetry.desc

The package has no .proto files; its modules hold the descriptors that protoc made of them.
"""

import importlib
import importlib.metadata
import pathlib
import sys

from google.protobuf import descriptor_pb2

import opentelemetry.proto

version = importlib.metadata.version("opentelemetry-proto")
if version != "1.45.2":
    sys.exit(f'opentelemetry-proto is "{version}", the recipe is for "1.45.2"')

root = pathlib.Path(next(iter(opentelemetry.proto.__path__)))
found = {}
for path in root.rglob("*_pb2.py"):
    relative = path.relative_to(root).with_suffix("")
    module = importlib.import_module(".".join(("opentelemetry", "proto", *relative.parts)))
    found[module.DESCRIPTOR.name] = module.DESCRIPTOR.serialized_pb

files = descriptor_pb2.FileDescriptorSet()
for name in sorted(found):
    files.file.add().ParseFromString(found[name])
sys.stdout.buffer.write(files.SerializeToString(deterministic=True))
