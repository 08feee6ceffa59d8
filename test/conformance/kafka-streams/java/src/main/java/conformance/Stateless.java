package conformance;

import static conformance.Scenarios.STRINGS;
import static conformance.Scenarios.TO_STRINGS;

import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Branched;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.Named;
import org.apache.kafka.streams.kstream.Repartitioned;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

final class Stateless {
    static void addTo(final Map<String, Consumer<StreamsBuilder>> all) {
        all.put("filter", builder -> builder.stream("in", STRINGS)
            .filter((key, value) -> value != null && value.length() > 1)
            .filterNot((key, value) -> value.startsWith("x"))
            .to("out", TO_STRINGS));
        all.put("map", builder -> {
            final KStream<String, String> in = builder.stream("in", STRINGS);
            in.map((key, value) -> KeyValue.pair(value, key)).to("mapped", TO_STRINGS);
            in.mapValues((key, value) -> key + ":" + value).to("values-mapped", TO_STRINGS);
            in.flatMap((key, value) -> value == null
                ? List.<KeyValue<String, String>>of()
                : List.of(KeyValue.pair(value, key), KeyValue.pair(key, value + value))).to("flat-mapped", TO_STRINGS);
            in.flatMapValues(value -> value == null ? List.<String>of() : List.of(value.split(""))).to("flat-values", TO_STRINGS);
        });
        all.put("select-key-and-peek", builder -> builder.stream("in", STRINGS)
            .peek((key, value) -> { })
            .selectKey((key, value) -> value.substring(0, 1))
            .to("out", TO_STRINGS));
        all.put("split-with-default", builder -> {
            final Map<String, KStream<String, String>> branches = builder.stream("in", STRINGS)
                .split(Named.as("by-"))
                .branch((key, value) -> value.startsWith("a"), Branched.as("a"))
                .branch((key, value) -> value.contains("b"), Branched.as("b"))
                .defaultBranch(Branched.as("rest"));
            branches.get("by-a").to("a", TO_STRINGS);
            branches.get("by-b").to("b", TO_STRINGS);
            branches.get("by-rest").to("rest", TO_STRINGS);
        });
        all.put("split-without-default", builder -> builder.stream("in", STRINGS)
            .split()
            .branch((key, value) -> value.startsWith("a"), Branched.withConsumer(branch -> branch.to("a", TO_STRINGS)))
            .branch((key, value) -> true, Branched.withConsumer(branch -> branch.to("b", TO_STRINGS)))
            .noDefaultBranch());
        all.put("merge", builder -> {
            final KStream<String, String> left = builder.stream("left", STRINGS);
            left.merge(builder.stream("right", STRINGS)).mapValues(value -> value + "!").to("out", TO_STRINGS);
        });
        all.put("repartition", builder -> builder.stream("in", STRINGS)
            .selectKey((key, value) -> value)
            .repartition(Repartitioned.with(Serdes.String(), Serdes.String()))
            .mapValues((key, value) -> key + value)
            .repartition(Repartitioned.<String, String>as("again").withKeySerde(Serdes.String()).withValueSerde(Serdes.String()))
            .to("out", TO_STRINGS));
        all.put("process", builder -> {
            builder.addStateStore(Stores.keyValueStoreBuilder(
                Stores.persistentKeyValueStore("last"), Serdes.String(), Serdes.String()));
            builder.stream("in", STRINGS)
                .process(SwapWithLast::new, "last")
                .processValues(Exclaim::new)
                .to("out", TO_STRINGS);
        });
    }

    /** Says the key's former value, by the value for a key. */
    private static final class SwapWithLast extends ContextualProcessor<String, String, String, String> {
        @Override
        public void process(final Record<String, String> record) {
            final KeyValueStore<String, String> last = context().getStateStore("last");
            final String former = last.get(record.key());
            last.put(record.key(), record.value());
            if (former != null) {
                context().forward(record.withKey(record.value()).withValue(former));
            }
        }
    }

    private static final class Exclaim extends ContextualFixedKeyProcessor<String, String, String> {
        @Override
        public void process(final FixedKeyRecord<String, String> record) {
            context().forward(record.withValue(record.value() + "!"));
            context().forward(record.withValue(record.value() + "?").withTimestamp(record.timestamp() + 1));
        }
    }

    private Stateless() { }
}
