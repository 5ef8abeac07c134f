import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaBuilder;
import org.apache.kafka.connect.data.Struct;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Does with rows of an outbox what a Kafka Connect worker does that runs a connector of
 * Debezium's: its transformations and converters, as configured, are the real ones. Only
 * the reading of the database's log is not here.
 *
 * Standard input has lines of {"config": {…}, "row": {…}}: a connector's configuration,
 * and the columns of a row that was inserted; of binary columns the names begin "bytes:".
 * Says at the end which partition and offset each has.
 */
public class Connect {
    static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] args) throws Exception {
        var records = new ArrayList<ProducerRecord<byte[], byte[]>>();
        for (var line : new String(System.in.readAllBytes(), "UTF-8").split("\n")) {
            var job = JSON.readTree(line);
            Map<String, String> config = new HashMap<>();
            job.get("config").fields().forEachRemaining(e -> config.put(e.getKey(), e.getValue().asText()));
            records.add(convert(config, transform(config, inserted(job.get("row")))));
        }
        try (var producer = new KafkaProducer<>(
                Map.<String, Object>of("bootstrap.servers", args[0], "max.block.ms", 20000),
                new ByteArraySerializer(), new ByteArraySerializer())) {
            for (var sent : records.stream().map(producer::send).toList()) {
                System.out.println(sent.get());
            }
        }
    }

    /** The change event of an INSERT, as Debezium's connectors write it. */
    static SourceRecord inserted(JsonNode columns) {
        var row = SchemaBuilder.struct().name("crm.public.outbox.Value").optional();
        columns.fieldNames().forEachRemaining(name -> row.field(column(name), schema(name)));
        var rowSchema = row.build();
        var after = new Struct(rowSchema);
        columns.fields().forEachRemaining(e -> {
            if (!e.getValue().isNull()) {
                var text = e.getValue().asText();
                after.put(column(e.getKey()), e.getKey().startsWith("bytes:") ? (Object) Base64.getDecoder().decode(text) : text);
            }
        });
        var schema = SchemaBuilder.struct().name("crm.public.outbox.Envelope")
                .field("before", rowSchema).field("after", rowSchema)
                .field("op", Schema.STRING_SCHEMA).field("ts_ms", Schema.OPTIONAL_INT64_SCHEMA).build();
        var value = new Struct(schema).put("after", after).put("op", "c").put("ts_ms", System.currentTimeMillis());
        return new SourceRecord(Map.of(), Map.of(), "crm.public.outbox", null, null, schema, value);
    }

    static String column(String name) {
        return name.startsWith("bytes:") ? name.substring("bytes:".length()) : name;
    }

    static Schema schema(String name) {
        if (name.startsWith("bytes:")) {
            return Schema.OPTIONAL_BYTES_SCHEMA;
        }
        return switch (name) {
            case "id" -> SchemaBuilder.string().name("io.debezium.data.Uuid").version(1).build();
            case "payload" -> SchemaBuilder.string().name("io.debezium.data.Json").version(1).optional().build();
            default -> Schema.OPTIONAL_STRING_SCHEMA;
        };
    }

    @SuppressWarnings("unchecked")
    static SourceRecord transform(Map<String, String> config, SourceRecord record) throws Exception {
        for (var name : List.of(config.get("transforms").split(","))) {
            var own = under(config, "transforms." + name + ".");
            try (var transformation = (Transformation<SourceRecord>) make(own.get("type"))) {
                transformation.configure(own);
                record = transformation.apply(record);
            }
        }
        return record;
    }

    static ProducerRecord<byte[], byte[]> convert(Map<String, String> config, SourceRecord r) throws Exception {
        var key = (Converter) make(config.get("key.converter"));
        key.configure(under(config, "key.converter."), true);
        var value = (Converter) make(config.get("value.converter"));
        value.configure(under(config, "value.converter."), false);
        var header = (HeaderConverter) make(
                config.getOrDefault("header.converter", "org.apache.kafka.connect.storage.SimpleHeaderConverter"));
        var ofHeaders = under(config, "header.converter.");
        ofHeaders.put("converter.type", "header");
        header.configure(ofHeaders);
        var headers = new RecordHeaders();
        for (var h : r.headers()) {
            headers.add(h.key(), header.fromConnectHeader(r.topic(), h.key(), h.schema(), h.value()));
        }
        return new ProducerRecord<>(r.topic(), r.kafkaPartition(), r.timestamp(),
                key.fromConnectData(r.topic(), headers, r.keySchema(), r.key()),
                value.fromConnectData(r.topic(), headers, r.valueSchema(), r.value()), headers);
    }

    static Object make(String type) throws Exception {
        return Class.forName(type).getDeclaredConstructor().newInstance();
    }

    /** The settings under a prefix, without it. */
    static Map<String, String> under(Map<String, String> config, String prefix) {
        var own = new HashMap<String, String>();
        config.forEach((name, value) -> {
            if (name.startsWith(prefix)) {
                own.put(name.substring(prefix.length()), value);
            }
        });
        return own;
    }
}
