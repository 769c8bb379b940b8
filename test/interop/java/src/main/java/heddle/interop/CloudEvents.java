package heddle.interop;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/** CloudEvents on Kafka: attributes as headers (binary mode), or the whole event in the JSON or Avro format. */
final class CloudEvents {
  record Event(Map<String, String> attributes, JsonNode data) {}

  static final String JSON_FORMAT = "application/cloudevents+json";
  static final String AVRO_FORMAT = "application/cloudevents+avro";

  private final ObjectMapper json = new ObjectMapper();
  private final WireFormat wire;
  private final Schema format;

  CloudEvents(WireFormat wire, Path schemaOfFormat) throws Exception {
    this.wire = wire;
    this.format = new Schema.Parser().parse(Files.readString(schemaOfFormat));
  }

  Event read(ConsumerRecord<String, byte[]> record) throws Exception {
    Map<String, String> headers = new TreeMap<>();
    record.headers().forEach(header -> headers.put(header.key(), new String(header.value(), UTF_8)));
    String contentType = headers.getOrDefault("content-type", "");
    if (contentType.startsWith(JSON_FORMAT)) return readJson(record.value());
    if (contentType.startsWith(AVRO_FORMAT)) return readAvro(record.value());
    Map<String, String> attributes = new TreeMap<>();
    headers.forEach((name, value) -> {
      if (name.startsWith("ce_")) attributes.put(name.substring(3), value);
    });
    attributes.put("datacontenttype", contentType);
    return new Event(attributes, JsonForm.toJson(wire.decode(record.value())));
  }

  private Event readJson(byte[] value) throws Exception {
    ObjectNode event = (ObjectNode) json.readTree(value);
    JsonNode data = event.remove("data");
    Map<String, String> attributes = new TreeMap<>();
    event.properties().forEach(entry -> attributes.put(entry.getKey(), entry.getValue().asText()));
    return new Event(attributes, data);
  }

  private Event readAvro(byte[] value) throws Exception {
    GenericRecord event = (GenericRecord) WireFormat.decode(format, value, 0);
    Map<String, String> attributes = new TreeMap<>();
    ((Map<?, ?>) event.get("attribute")).forEach((name, text) -> attributes.put(name.toString(), text.toString()));
    return new Event(attributes, JsonForm.toJson(wire.decode(((ByteBuffer) event.get("data")).array())));
  }

  ProducerRecord<String, byte[]> binary(String topic, String key, Map<String, String> attributes, byte[] data) {
    ProducerRecord<String, byte[]> record = new ProducerRecord<>(topic, key, data);
    attributes.forEach((name, value) -> record.headers().add("ce_" + name, value.getBytes(UTF_8)));
    record.headers().add("content-type", "application/avro".getBytes(UTF_8));
    return record;
  }

  ProducerRecord<String, byte[]> jsonFormat(String topic, String key, Map<String, String> attributes, JsonNode data)
      throws Exception {
    ObjectNode event = json.valueToTree(attributes);
    event.put("datacontenttype", "application/json").set("data", data);
    return structured(topic, key, JSON_FORMAT, json.writeValueAsBytes(event));
  }

  ProducerRecord<String, byte[]> avroFormat(String topic, String key, Map<String, String> attributes, byte[] data)
      throws Exception {
    Map<String, String> own = new LinkedHashMap<>(attributes);
    own.put("datacontenttype", "application/avro");
    GenericRecord event = new GenericData.Record(format);
    event.put("attribute", own);
    event.put("data", ByteBuffer.wrap(data));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    WireFormat.encode(format, event, out);
    return structured(topic, key, AVRO_FORMAT, out.toByteArray());
  }

  private static ProducerRecord<String, byte[]> structured(String topic, String key, String type, byte[] value) {
    ProducerRecord<String, byte[]> record = new ProducerRecord<>(topic, key, value);
    record.headers().add("content-type", type.getBytes(UTF_8));
    return record;
  }
}
