package heddle.interop;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import org.apache.avro.Conversions;
import org.apache.avro.Schema;
import org.apache.avro.data.TimeConversions;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/** Avro as it travels: a zero byte, the schema's id in four bytes, the value. */
final class WireFormat {
  static final GenericData AVRO = new GenericData();

  static {
    // Decimals are BigDecimal, dates LocalDate, timestamps Instant.
    AVRO.addLogicalTypeConversion(new Conversions.DecimalConversion());
    AVRO.addLogicalTypeConversion(new TimeConversions.DateConversion());
    AVRO.addLogicalTypeConversion(new TimeConversions.TimestampMillisConversion());
  }

  private final Registry registry;

  WireFormat(Registry registry) {
    this.registry = registry;
  }

  Object decode(byte[] wire) throws Exception {
    ByteBuffer head = ByteBuffer.wrap(wire);
    if (head.get() != 0) throw new IllegalArgumentException("not in wire format");
    Schema schema = registry.byId(head.getInt());
    return decode(schema, wire, 5);
  }

  byte[] encode(Registry.Registered registered, Object data) throws Exception {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(ByteBuffer.allocate(5).put((byte) 0).putInt(registered.id()).array());
    encode(registered.schema(), data, out);
    return out.toByteArray();
  }

  static Object decode(Schema schema, byte[] bytes, int from) throws Exception {
    var decoder = DecoderFactory.get().binaryDecoder(bytes, from, bytes.length - from, null);
    return new GenericDatumReader<>(schema, schema, AVRO).read(null, decoder);
  }

  static void encode(Schema schema, Object data, ByteArrayOutputStream out) throws Exception {
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<>(schema, AVRO).write(data, encoder);
    encoder.flush();
  }
}
