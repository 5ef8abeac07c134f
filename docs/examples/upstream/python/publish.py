"""Publishes one change in each form, with confluent-kafka."""

import json
import os
import sys
import uuid

from confluent_kafka import Producer
from staffetta.event.v1.event_pb2 import EVENT_TYPE_UPDATE, EntityChange, Item

ACCOUNT = os.environ.get("ACCOUNT", "demo")

producer = Producer(
    {
        "bootstrap.servers": os.environ.get("KAFKA", "127.0.0.1:19092"),
        "partitioner": "murmur2_random",  # as Java clients and Staffetta choose the partition
        "enable.idempotence": True,  # acks from all, and no change twice or out of order
    }
)
refused = []


def publish(value, headers):
    producer.produce(
        "events.contacts",
        key=f"{ACCOUNT}/Contact",
        value=value,
        headers=headers,
        on_delivery=lambda error, message: refused.append(error) if error else None,
    )


def change(item):
    """An event about one contact. Whoever sends it again repeats its id."""
    return {
        "id": str(uuid.uuid4()),
        "account": ACCOUNT,
        "eventType": "update",
        "itemType": "Contact",
        "items": [{"id": item, "ref": f"/contacts/{item}", "version": 3, "data": {"name": "Mario Rossi"}}],
    }


# JSON
publish(json.dumps(change(1)), {})

# Protobuf: data is JSON in bytes.
message = EntityChange(
    id=str(uuid.uuid4()),
    account=ACCOUNT,
    event_type=EVENT_TYPE_UPDATE,
    item_type="Contact",
    items=[Item(id="2", ref="/contacts/2", version=3, data=json.dumps({"name": "Mario Rossi"}).encode())],
)
publish(message.SerializeToString(), {"content-type": "application/protobuf"})

# CloudEvents, binary: the attributes are headers.
event = change(3)
publish(
    json.dumps(event),
    {
        "ce_specversion": "1.0",
        "ce_id": event["id"],
        "ce_source": "/crm",
        "ce_type": "contact.updated",
        "content-type": "application/json",
    },
)

# CloudEvents, structured: the attributes are around the event.
event = change(4)
publish(
    json.dumps({"specversion": "1.0", "id": event["id"], "source": "/crm", "type": "contact.updated", "data": event}),
    {"content-type": "application/cloudevents+json"},
)

# A change is published once Kafka has acknowledged it, not before.
waiting = producer.flush(30)
if waiting or refused:
    sys.exit(f"{waiting} changes are not acknowledged; {refused}")
