package conformance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyDescription;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.test.TestRecord;

/**
 * Runs scenarios on Kafka Streams' TopologyTestDriver and writes down what came out.
 *
 * Arguments: a file with a JSON array of {name, topics, steps}, and the file for the results, a JSON array of
 * {name, outputs, stores, repartitionTopics}. A topic says whether it is an input or an output and what its keys and values
 * are (see Forms). A step is a record to pipe in or a move of the wall clock; an output says after which step it came.
 *
 * Caches are off, so every update shows, and results that wait for stream time are not held back by the wall clock too.
 */
public final class Main {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(final String[] args) throws Exception {
        final ArrayNode results = JSON.createArrayNode();
        for (final JsonNode scenario : JSON.readTree(new File(args[0]))) {
            results.add(run(scenario));
        }
        JSON.writeValue(new File(args[1]), results);
    }

    private static ObjectNode run(final JsonNode scenario) throws Exception {
        final String name = scenario.get("name").asText();
        final StreamsBuilder builder = new StreamsBuilder();
        Scenarios.byName(name).accept(builder);
        final Topology topology = builder.build();
        final ObjectNode result = JSON.createObjectNode().put("name", name);
        final Path stateDir = Files.createTempDirectory("kafka-streams-conformance");
        try (TopologyTestDriver driver = new TopologyTestDriver(topology, properties(stateDir), Instant.EPOCH)) {
            result.set("outputs", pipe(driver, scenario));
            result.set("stores", strings(new TreeSet<>(driver.getAllStateStores().keySet())));
            result.set("repartitionTopics", strings(repartitionTopics(topology)));
        } catch (final RuntimeException error) {
            throw new IllegalStateException("Scenario " + name, error);
        } finally {
            remove(stateDir);
        }
        return result;
    }

    private static Properties properties(final Path stateDir) {
        final Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, "conformance");
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "nowhere:1");
        properties.put(StreamsConfig.STATE_DIR_CONFIG, stateDir.toString());
        properties.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        properties.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        properties.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0L);
        properties.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_OUTER_JOIN_SPURIOUS_RESULTS_FIX, 0L);
        properties.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 0L);
        return properties;
    }

    private static ArrayNode pipe(final TopologyTestDriver driver, final JsonNode scenario) {
        final Map<String, TestInputTopic<Object, Object>> inputs = new LinkedHashMap<>();
        final Map<String, TestOutputTopic<Object, Object>> outputs = new LinkedHashMap<>();
        final Map<String, JsonNode> forms = new LinkedHashMap<>();
        scenario.get("topics").fields().forEachRemaining(entry -> {
            final String topic = entry.getKey();
            final JsonNode form = entry.getValue();
            forms.put(topic, form);
            if (form.get("input").asBoolean()) {
                inputs.put(topic, driver.createInputTopic(
                    topic, Forms.serde(form.get("key")).serializer(), Forms.serde(form.get("value")).serializer()));
            } else {
                outputs.put(topic, driver.createOutputTopic(
                    topic, Forms.serde(form.get("key")).deserializer(), Forms.serde(form.get("value")).deserializer()));
            }
        });
        final ArrayNode found = JSON.createArrayNode();
        int number = 0;
        for (final JsonNode step : scenario.get("steps")) {
            if (step.has("advanceWallClockMs")) {
                driver.advanceWallClockTime(Duration.ofMillis(step.get("advanceWallClockMs").asLong()));
            } else {
                final String topic = step.get("topic").asText();
                inputs.get(topic).pipeInput(
                    Forms.read(forms.get(topic).get("key"), step.get("key")),
                    Forms.read(forms.get(topic).get("value"), step.get("value")),
                    step.get("timestamp").asLong());
            }
            for (final Map.Entry<String, TestOutputTopic<Object, Object>> output : outputs.entrySet()) {
                while (!output.getValue().isEmpty()) {
                    found.add(written(number, output.getKey(), output.getValue().readRecord()));
                }
            }
            number += 1;
        }
        return found;
    }

    private static ObjectNode written(final int step, final String topic, final TestRecord<Object, Object> record) {
        final ObjectNode output = JSON.createObjectNode().put("step", step).put("topic", topic);
        output.set("key", Forms.write(record.key()));
        output.set("value", Forms.write(record.value()));
        return output.put("timestamp", record.timestamp());
    }

    /** Every topic that the topology both writes and reads. */
    private static TreeSet<String> repartitionTopics(final Topology topology) {
        final TreeSet<String> written = new TreeSet<>();
        final TreeSet<String> read = new TreeSet<>();
        for (final TopologyDescription.Subtopology part : topology.describe().subtopologies()) {
            for (final TopologyDescription.Node node : part.nodes()) {
                if (node instanceof TopologyDescription.Sink sink) {
                    written.add(sink.topic());
                } else if (node instanceof TopologyDescription.Source source) {
                    read.addAll(source.topicSet());
                }
            }
        }
        written.retainAll(read);
        return written;
    }

    private static ArrayNode strings(final Iterable<String> values) {
        final ArrayNode array = JSON.createArrayNode();
        values.forEach(array::add);
        return array;
    }

    private static void remove(final Path directory) throws Exception {
        try (Stream<Path> paths = Files.walk(directory)) {
            paths.sorted(Comparator.reverseOrder()).map(Path::toFile).forEach(File::delete);
        }
    }

    private Main() { }
}
