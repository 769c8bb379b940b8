import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;

/**
 * What Apache Avro says of pairs of schemas. Each line of the input is {"reader": "…", "writer": "…"}; each line of the
 * output is "compatible", "incompatible" with the kinds of what is in the way, "ambiguous" where it throws, or "invalid".
 */
class SchemaVerdicts {
  public static void main(String[] args) throws Exception {
    ObjectMapper json = new ObjectMapper();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonNode pair = json.readTree(line);
      out.println(verdict(pair.get("reader").asText(), pair.get("writer").asText()));
    }
    out.flush();
  }

  private static String verdict(String readerText, String writerText) {
    Schema reader;
    Schema writer;
    try {
      reader = new Schema.Parser().parse(readerText);
      writer = new Schema.Parser().parse(writerText);
    } catch (Exception error) {
      return "invalid " + oneLine(error);
    }
    try {
      SchemaCompatibility.SchemaPairCompatibility verdict =
          SchemaCompatibility.checkReaderWriterCompatibility(reader, writer);
      if (verdict.getType() == SchemaCompatibility.SchemaCompatibilityType.COMPATIBLE) return "compatible";
      StringBuilder kinds = new StringBuilder("incompatible");
      for (SchemaCompatibility.Incompatibility each : verdict.getResult().getIncompatibilities())
        kinds.append(' ').append(each.getType());
      return kinds.toString();
    } catch (Exception error) {
      return "ambiguous " + oneLine(error);
    }
  }

  private static String oneLine(Exception error) {
    return String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
  }
}
