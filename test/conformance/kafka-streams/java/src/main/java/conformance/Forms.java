package conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.WindowedSerdes;

/**
 * Keys and values in neutral JSON: a string, a whole number, {key, start, end} for a windowed key, or null.
 *
 * The form of a topic's keys or values is "string", "long", {"windowed": size in ms} or "session".
 */
final class Forms {
    private static final ObjectMapper JSON = new ObjectMapper();

    @SuppressWarnings({"unchecked", "rawtypes"})
    static Serde<Object> serde(final JsonNode form) {
        if (form.isObject()) {
            return (Serde) WindowedSerdes.timeWindowedSerdeFrom(String.class, form.get("windowed").asLong());
        }
        return switch (form.asText()) {
            case "string" -> (Serde) Serdes.String();
            case "long" -> (Serde) Serdes.Long();
            case "session" -> (Serde) WindowedSerdes.sessionWindowedSerdeFrom(String.class);
            default -> throw new IllegalArgumentException("No form " + form);
        };
    }

    static Object read(final JsonNode form, final JsonNode value) {
        if (value.isNull()) {
            return null;
        }
        return form.asText().equals("long") ? (Object) value.asLong() : value.asText();
    }

    static JsonNode write(final Object value) {
        if (value instanceof Windowed<?> windowed) {
            return JSON.createObjectNode()
                .put("key", (String) windowed.key())
                .put("start", windowed.window().start())
                .put("end", windowed.window().end());
        }
        return JSON.valueToTree(value);
    }

    private Forms() { }
}
