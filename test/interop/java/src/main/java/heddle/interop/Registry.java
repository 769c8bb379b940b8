package heddle.interop;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.HashMap;
import java.util.Map;
import org.apache.avro.Schema;

/** The registry, asked over HTTP; an id never changes its meaning. */
final class Registry {
  record Registered(int id, Schema schema) {}

  private final HttpClient http = HttpClient.newHttpClient();
  private final ObjectMapper json = new ObjectMapper();
  private final Map<Integer, Schema> known = new HashMap<>();
  private final String url;

  Registry(String url) {
    this.url = url;
  }

  Schema byId(int id) throws Exception {
    Schema schema = known.get(id);
    if (schema == null) {
      schema = new Schema.Parser().parse(get("/schemas/ids/" + id).get("schema").asText());
      known.put(id, schema);
    }
    return schema;
  }

  Registered latest(String subject) throws Exception {
    JsonNode answer = get("/subjects/" + subject + "/versions/latest");
    return new Registered(answer.get("id").asInt(), new Schema.Parser().parse(answer.get("schema").asText()));
  }

  private JsonNode get(String path) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url + path)).build();
    HttpResponse<String> answer = http.send(request, HttpResponse.BodyHandlers.ofString());
    if (answer.statusCode() != 200) throw new IllegalStateException(path + " answered " + answer.statusCode());
    return json.readTree(answer.body());
  }
}
