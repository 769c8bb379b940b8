package heddle.interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** See the README beside this project: `read TOPIC`, or `write TOPIC SUBJECT` with a line for each event. */
public final class Interop {
  private static final ObjectMapper JSON = new ObjectMapper();

  public static void main(String[] args) throws Exception {
    Registry registry = new Registry(System.getenv("SCHEMA_REGISTRY_URL"));
    WireFormat wire = new WireFormat(registry);
    CloudEvents events = new CloudEvents(wire, Path.of(System.getenv("CLOUD_EVENT_SCHEMA")));
    if (args[0].equals("read")) read(args[1], events);
    else write(args[1], registry.latest(args[2]), wire, events);
  }

  private static void read(String topic, CloudEvents events) throws Exception {
    try (var consumer = new KafkaConsumer<>(settings(), new StringDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      consumer.partitionsFor(topic).forEach(one -> partitions.add(new TopicPartition(topic, one.partition())));
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      while (partitions.stream().anyMatch(one -> consumer.position(one) < ends.get(one))) {
        for (ConsumerRecord<String, byte[]> record : consumer.poll(Duration.ofMillis(500))) {
          CloudEvents.Event event = events.read(record);
          print(Map.of(
              "partition", record.partition(),
              "offset", record.offset(),
              "key", record.key(),
              "attributes", event.attributes(),
              "data", event.data()));
        }
      }
    }
  }

  private static void write(String topic, Registry.Registered registered, WireFormat wire, CloudEvents events)
      throws Exception {
    Map<String, KafkaProducer<String, byte[]>> producers = new HashMap<>();
    Map<String, Future<RecordMetadata>> written = new LinkedHashMap<>();
    var in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode order = JSON.readTree(line);
      String key = order.get("key").asText();
      Map<String, String> attributes = new LinkedHashMap<>();
      attributes.put("specversion", "1.0");
      attributes.put("id", order.get("id").asText());
      attributes.put("source", "/interop/java");
      attributes.put("type", order.get("type").asText());
      attributes.put("subject", key);
      byte[] data = wire.encode(registered, JsonForm.toAvro(registered.schema(), order.get("data")));
      ProducerRecord<String, byte[]> record = switch (order.path("mode").asText("binary")) {
        case "json" -> events.jsonFormat(topic, key, attributes, order.get("data"));
        case "avro" -> events.avroFormat(topic, key, attributes, data);
        default -> events.binary(topic, key, attributes, data);
      };
      var producer = producers.computeIfAbsent(order.path("compression").asText("none"), Interop::producer);
      written.put(attributes.get("id"), producer.send(record));
    }
    producers.values().forEach(KafkaProducer::close);
    for (var one : written.entrySet()) {
      print(Map.of("id", one.getKey(), "partition", one.getValue().get().partition()));
    }
  }

  /** Keys are placed by murmur2, and the producer is idempotent, without being told. */
  private static KafkaProducer<String, byte[]> producer(String compression) {
    Properties settings = settings();
    settings.put("compression.type", compression);
    // So that several records make a batch.
    settings.put("linger.ms", "100");
    return new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
  }

  private static Properties settings() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", System.getenv("KAFKA_BROKERS"));
    return settings;
  }

  private static void print(Object line) throws Exception {
    System.out.println(JSON.writeValueAsString(line));
  }
}
