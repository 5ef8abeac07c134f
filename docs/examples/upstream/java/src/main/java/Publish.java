import com.google.protobuf.ByteString;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;
import staffetta.event.v1.Event.EntityChange;
import staffetta.event.v1.Event.EventType;
import staffetta.event.v1.Event.Item;

/** Publishes one change in each form, with Apache Kafka's own client. */
public class Publish {
    static final String ACCOUNT = System.getenv().getOrDefault("ACCOUNT", "demo");

    /** An event about one contact. Whoever sends it again repeats its id. */
    static String event(String id, int item) {
        return """
                {"id": "%s", "account": "%s", "eventType": "update", "itemType": "Contact",
                 "items": [{"id": %d, "ref": "/contacts/%d", "version": 3, "data": {"name": "Mario Rossi"}}]}
                """.formatted(id, ACCOUNT, item, item);
    }

    static ProducerRecord<String, byte[]> record(byte[] value, Map<String, String> headers) {
        // The partition is chosen from the key by murmur2: that is the client's default.
        var record = new ProducerRecord<>("events.contacts", ACCOUNT + "/Contact", value);
        headers.forEach((name, text) -> record.headers().add(name, text.getBytes()));
        return record;
    }

    public static void main(String[] args) throws Exception {
        var records = new ArrayList<ProducerRecord<String, byte[]>>();

        // JSON
        records.add(record(event(UUID.randomUUID().toString(), 1).getBytes("UTF-8"), Map.of()));

        // Protobuf: data is JSON in bytes.
        var message = EntityChange.newBuilder()
                .setId(UUID.randomUUID().toString())
                .setAccount(ACCOUNT)
                .setEventType(EventType.EVENT_TYPE_UPDATE)
                .setItemType("Contact")
                .addItems(Item.newBuilder().setId("2").setRef("/contacts/2").setVersion(3)
                        .setData(ByteString.copyFromUtf8("{\"name\": \"Mario Rossi\"}")))
                .build();
        records.add(record(message.toByteArray(), Map.of("content-type", "application/protobuf")));

        // CloudEvents, binary: the attributes are headers.
        var id = UUID.randomUUID().toString();
        records.add(record(event(id, 3).getBytes("UTF-8"), Map.of(
                "ce_specversion", "1.0", "ce_id", id, "ce_source", "/crm", "ce_type", "contact.updated",
                "content-type", "application/json")));

        // CloudEvents, structured: the attributes are around the event.
        id = UUID.randomUUID().toString();
        var structured = """
                {"specversion": "1.0", "id": "%s", "source": "/crm", "type": "contact.updated", "data": %s}
                """.formatted(id, event(id, 4));
        records.add(record(structured.getBytes("UTF-8"), Map.of("content-type", "application/cloudevents+json")));

        // Kafka's client waits for all replicas and is idempotent unless it is told otherwise.
        Map<String, Object> config = Map.of(
                "bootstrap.servers", System.getenv().getOrDefault("KAFKA", "127.0.0.1:19092"));
        try (var producer = new KafkaProducer<>(config, new StringSerializer(), new ByteArraySerializer())) {
            List<Future<RecordMetadata>> sent = records.stream().map(producer::send).toList();
            for (var one : sent) {
                one.get(); // a change is published once Kafka has acknowledged it, not before
            }
        }
    }
}
