package heddle.interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericRecord;

/** Avro data from and to plain JSON: decimals as strings, times in ISO 8601, bytes in base64. */
final class JsonForm {
  private static final ObjectMapper JSON = new ObjectMapper();

  static Object toAvro(Schema schema, JsonNode node) throws Exception {
    switch (schema.getType()) {
      case RECORD:
        GenericRecord record = new GenericData.Record(schema);
        for (Schema.Field field : schema.getFields()) record.put(field.name(), toAvro(field.schema(), node.get(field.name())));
        return record;
      case UNION:
        if (node.isNull()) return null;
        for (Schema branch : schema.getTypes()) if (branch.getType() != Schema.Type.NULL) return toAvro(branch, node);
        throw new IllegalArgumentException("no branch for " + node);
      case ARRAY:
        List<Object> items = new ArrayList<>();
        for (JsonNode item : node) items.add(toAvro(schema.getElementType(), item));
        return items;
      case MAP:
        Map<String, Object> entries = new LinkedHashMap<>();
        for (var entry : node.properties()) entries.put(entry.getKey(), toAvro(schema.getValueType(), entry.getValue()));
        return entries;
      case ENUM:
        return new GenericData.EnumSymbol(schema, node.asText());
      case BYTES:
        if (schema.getLogicalType() instanceof LogicalTypes.Decimal) return new BigDecimal(node.asText());
        return ByteBuffer.wrap(node.binaryValue());
      case INT:
        return schema.getLogicalType() instanceof LogicalTypes.Date ? LocalDate.parse(node.asText()) : node.asInt();
      case LONG:
        boolean isTime = schema.getLogicalType() instanceof LogicalTypes.TimestampMillis;
        return isTime ? Instant.parse(node.asText()) : (Object) node.asLong();
      case BOOLEAN:
        return node.asBoolean();
      case DOUBLE:
        return node.asDouble();
      default:
        return node.asText();
    }
  }

  static JsonNode toJson(Object value) {
    return JSON.valueToTree(plain(value));
  }

  private static Object plain(Object value) {
    if (value instanceof GenericRecord record) {
      Map<String, Object> fields = new LinkedHashMap<>();
      for (Schema.Field field : record.getSchema().getFields()) fields.put(field.name(), plain(record.get(field.pos())));
      return fields;
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> entries = new LinkedHashMap<>();
      map.forEach((key, entry) -> entries.put(key.toString(), plain(entry)));
      return entries;
    }
    if (value instanceof List<?> list) return list.stream().map(JsonForm::plain).toList();
    if (value instanceof BigDecimal decimal) return decimal.toPlainString();
    if (value instanceof ByteBuffer bytes) return Base64.getEncoder().encodeToString(bytes.array());
    if (value == null || value instanceof Number || value instanceof Boolean) return value;
    return value.toString();
  }
}
