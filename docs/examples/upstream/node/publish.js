// Publishes one change in each form, with KafkaJS.

const { randomUUID } = require("node:crypto");
const path = require("node:path");
const { Kafka, Partitioners, logLevel } = require("kafkajs");
const protobuf = require("protobufjs");

const account = process.env.ACCOUNT || "demo";
const brokers = (process.env.KAFKA || "127.0.0.1:19092").split(",");

// event is about one contact. Whoever sends it again repeats its id.
const event = (item) => ({
  id: randomUUID(),
  account,
  eventType: "update",
  itemType: "Contact",
  items: [{ id: item, ref: `/contacts/${item}`, version: 3, data: { name: "Mario Rossi" } }],
});

async function main() {
  const proto = path.join(__dirname, "../../../../proto/staffetta/event/v1/event.proto");
  const EntityChange = (await protobuf.load(proto)).lookupType("staffetta.event.v1.EntityChange");
  const binary = event(3);
  const structured = event(4);
  const messages = [
    // JSON
    { value: JSON.stringify(event(1)) },

    // Protobuf: data is JSON in bytes.
    {
      headers: { "content-type": "application/protobuf" },
      value: Buffer.from(
        EntityChange.encode(
          EntityChange.fromObject({
            id: randomUUID(),
            account,
            eventType: "EVENT_TYPE_UPDATE",
            itemType: "Contact",
            items: [{ id: "2", ref: "/contacts/2", version: 3, data: Buffer.from('{"name": "Mario Rossi"}') }],
          }),
        ).finish(),
      ),
    },

    // CloudEvents, binary: the attributes are headers.
    {
      headers: {
        ce_specversion: "1.0",
        ce_id: binary.id,
        ce_source: "/crm",
        ce_type: "contact.updated",
        "content-type": "application/json",
      },
      value: JSON.stringify(binary),
    },

    // CloudEvents, structured: the attributes are around the event.
    {
      headers: { "content-type": "application/cloudevents+json" },
      value: JSON.stringify({
        specversion: "1.0",
        id: structured.id,
        source: "/crm",
        type: "contact.updated",
        data: structured,
      }),
    },
  ].map((message) => ({ key: `${account}/Contact`, ...message }));

  const producer = new Kafka({ clientId: "crm", brokers, logLevel: logLevel.ERROR }).producer({
    createPartitioner: Partitioners.DefaultPartitioner, // murmur2, as Java clients and Staffetta do
    idempotent: true,
    maxInFlightRequests: 1, // so that a repeated request keeps its place
  });
  await producer.connect();
  await producer.send({ topic: "events.contacts", acks: -1, messages }); // all have acknowledged
  await producer.disconnect();
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
