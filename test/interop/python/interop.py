"""Reads events and writes them with confluent-kafka and fastavro: `read TOPIC`, or `write TOPIC SUBJECT`; see ../README.md."""

import base64
import datetime
import decimal
import functools
import io
import json
import os
import struct
import sys
import urllib.request

import fastavro
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

REGISTRY = os.environ["SCHEMA_REGISTRY_URL"]
BROKERS = {"bootstrap.servers": os.environ["KAFKA_BROKERS"]}
with open(os.environ["CLOUD_EVENT_SCHEMA"], encoding="utf-8") as file:
    CLOUD_EVENT = fastavro.parse_schema(json.load(file))


def ask(path):
    with urllib.request.urlopen(REGISTRY + path) as answer:
        return json.load(answer)


@functools.cache
def schema_of(schema_id):
    return fastavro.parse_schema(json.loads(ask(f"/schemas/ids/{schema_id}")["schema"]))


def decode(wire):
    """Wire format: a zero byte, the schema's id in four bytes, the value."""
    magic, schema_id = struct.unpack(">bI", wire[:5])
    if magic != 0:
        raise ValueError("not in wire format")
    return fastavro.schemaless_reader(io.BytesIO(wire[5:]), schema_of(schema_id), None)


def encode(schema_id, data):
    out = io.BytesIO()
    out.write(struct.pack(">bI", 0, schema_id))
    fastavro.schemaless_writer(out, schema_of(schema_id), data)
    return out.getvalue()


def to_json(value):
    if isinstance(value, dict):
        return {name: to_json(own) for name, own in value.items()}
    if isinstance(value, list):
        return [to_json(own) for own in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


def to_avro(schema, value):
    """Data from its JSON form, as fastavro wants it: Decimal, date, datetime, bytes."""
    if isinstance(schema, list):
        return None if value is None else to_avro(next(one for one in schema if one != "null"), value)
    if isinstance(schema, str):
        return base64.b64decode(value) if schema == "bytes" else value
    logical = schema.get("logicalType")
    if logical == "decimal":
        return decimal.Decimal(value)
    if logical == "date":
        return datetime.date.fromisoformat(value)
    if logical == "timestamp-millis":
        return datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    if schema["type"] == "record":
        return {field["name"]: to_avro(field["type"], value[field["name"]]) for field in schema["fields"]}
    if schema["type"] == "array":
        return [to_avro(schema["items"], own) for own in value]
    return value


def read_event(message):
    headers = {name: text.decode() for name, text in message.headers() or []}
    content_type = headers.get("content-type", "")
    if content_type.startswith("application/cloudevents+json"):
        event = json.loads(message.value())
        data = event.pop("data")
        return event, data
    if content_type.startswith("application/cloudevents+avro"):
        event = fastavro.schemaless_reader(io.BytesIO(message.value()), CLOUD_EVENT, None)
        return event["attribute"], to_json(decode(event["data"]))
    attributes = {name[3:]: text for name, text in headers.items() if name.startswith("ce_")}
    return {**attributes, "datacontenttype": content_type}, to_json(decode(message.value()))


def read(topic):
    consumer = Consumer({**BROKERS, "group.id": "interop-python", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic).topics[topic].partitions
    left = {}
    for partition in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition))
        if low < high:
            left[partition] = high
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in left])
    while left:
        message = consumer.poll(1)
        if message is None:
            continue
        if message.error():
            raise RuntimeError(message.error())
        attributes, data = read_event(message)
        line = {"partition": message.partition(), "offset": message.offset(), "key": message.key().decode()}
        print(json.dumps({**line, "attributes": attributes, "data": data}))
        if message.offset() + 1 >= left.get(message.partition(), 0):
            left.pop(message.partition(), None)
    consumer.close()


def record_of(order, schema_id):
    """Headers and value of an event in the mode that is asked for."""
    attributes = {
        "specversion": "1.0",
        "id": order["id"],
        "source": "/interop/python",
        "type": order["type"],
        "subject": order["key"],
    }
    mode = order.get("mode", "binary")
    if mode == "json":
        event = {**attributes, "datacontenttype": "application/json", "data": order["data"]}
        return {"content-type": "application/cloudevents+json"}, json.dumps(event).encode()
    value = encode(schema_id, to_avro(schema_of(schema_id), order["data"]))
    if mode == "avro":
        event = {"attribute": {**attributes, "datacontenttype": "application/avro"}, "data": value}
        out = io.BytesIO()
        fastavro.schemaless_writer(out, CLOUD_EVENT, event)
        return {"content-type": "application/cloudevents+avro"}, out.getvalue()
    headers = {f"ce_{name}": text for name, text in attributes.items()}
    return {**headers, "content-type": "application/avro"}, value


def write(topic, subject):
    schema_id = ask(f"/subjects/{subject}/versions/latest")["id"]
    producers = {}
    for line in sys.stdin:
        order = json.loads(line)
        compression = order.get("compression", "none")
        if compression not in producers:
            # librdkafka places keys by CRC-32 unless told otherwise: with that, the order of a key would be lost.
            own = {"partitioner": "murmur2_random", "enable.idempotence": True, "linger.ms": 100}
            producers[compression] = Producer({**BROKERS, **own, "compression.type": compression})
        headers, value = record_of(order, schema_id)
        producers[compression].produce(
            topic,
            key=order["key"].encode(),
            value=value,
            headers=list(headers.items()),
            on_delivery=functools.partial(written, order["id"]),
        )
    for producer in producers.values():
        producer.flush()


def written(event_id, error, message):
    if error is not None:
        raise RuntimeError(error)
    print(json.dumps({"id": event_id, "partition": message.partition()}))


if __name__ == "__main__":
    {"read": read, "write": write}[sys.argv[1]](*sys.argv[2:])
