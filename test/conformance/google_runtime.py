"""What Google's Python runtime makes of messages: rows in the normal form of normal-form.ts.

stdin: one JSON object a line, {"set": base64 of a FileDescriptorSet, "message": name, "payloads": [hex]}.
stdout: for each a JSON list with a row for each payload, or {"refused": reason}.
"""

import base64
import json
import math
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor as Field
from google.protobuf.internal import api_implementation

WIDE = {
    Field.TYPE_INT64,
    Field.TYPE_SINT64,
    Field.TYPE_SFIXED64,
    Field.TYPE_UINT64,
    Field.TYPE_FIXED64,
}


def bits(value, layout):
    if math.isnan(value):
        return "nan"
    return format(int.from_bytes(struct.pack(layout, value), "big"), "x")


def value_form(value, field):
    if field.message_type is not None:
        return message_form(value)
    if field.type == Field.TYPE_ENUM:
        known = field.enum_type.values_by_number.get(value)
        return str(value) if known is None else known.name
    if field.type in WIDE:
        return f"{value}n"
    if field.type == Field.TYPE_DOUBLE:
        return bits(value, ">d")
    if field.type == Field.TYPE_FLOAT:
        return bits(value, ">f")
    if field.type == Field.TYPE_BYTES:
        return "0x" + value.hex()
    # Text of proto2 is not judged: where it is not UTF-8, the runtime gives bytes.
    return f"not UTF-8: {value.hex()}" if isinstance(value, bytes) else value


def sort_key(pair):
    text = json.dumps(pair[0], ensure_ascii=False)
    return text.encode("utf-16-be", "surrogatepass")


def field_form(message, field):
    is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
    if is_map:
        key, value = (field.message_type.fields_by_number[number] for number in (1, 2))
        entries = getattr(message, field.name)
        # Reading an absent message value by its key would add it.
        pairs = [[value_form(k, key), value_form(entries[k], value)] for k in list(entries)]
        return sorted(pairs, key=sort_key)
    if field.is_repeated:
        return [value_form(each, field) for each in getattr(message, field.name)]
    if field.has_presence and not field.is_required and not message.HasField(field.name):
        return None
    return value_form(getattr(message, field.name), field)


def message_form(message):
    return {field.name: field_form(message, field) for field in message.DESCRIPTOR.fields}


def verdict(kind, payload):
    message = kind()
    try:
        message.ParseFromString(bytes.fromhex(payload))
    except Exception as error:
        return {"refused": str(error) or type(error).__name__}
    if not message.IsInitialized():
        return {"refused": "missing required"}
    return {"row": message_form(message)}


def answer(request):
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString(base64.b64decode(request["set"]))
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    kind = message_factory.GetMessageClass(pool.FindMessageTypeByName(request["message"]))
    return [verdict(kind, payload) for payload in request["payloads"]]


if api_implementation.Type() != "upb":
    sys.exit(f'the runtime is "{api_implementation.Type()}", which does not judge as upb does')
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line)), ensure_ascii=True), flush=True)
