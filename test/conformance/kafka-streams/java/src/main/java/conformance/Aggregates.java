package conformance;

import static conformance.Scenarios.BY_STRING;
import static conformance.Scenarios.STRINGS;
import static conformance.Scenarios.TO_LONGS;
import static conformance.Scenarios.TO_STRINGS;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;

final class Aggregates {
    static void addTo(final Map<String, Consumer<StreamsBuilder>> all) {
        all.put("count-by-key", builder -> builder.stream("in", STRINGS)
            .groupByKey().count().toStream().to("out", TO_LONGS));
        all.put("count-by-value", builder -> builder.stream("in", STRINGS)
            .groupBy((key, value) -> value, BY_STRING).count().toStream().to("out", TO_LONGS));
        all.put("reduce", builder -> builder.stream("in", STRINGS)
            .groupByKey()
            .reduce((aggregate, value) -> value.equals("x") ? null : aggregate + value)
            .toStream().to("out", TO_STRINGS));
        all.put("aggregate", builder -> builder.stream("in", STRINGS)
            .groupByKey()
            .aggregate(() -> ">", (key, value, aggregate) -> value.equals("x") ? null : aggregate + value, strings())
            .toStream().to("out", TO_STRINGS));
        all.put("count-of-counts", builder -> builder.stream("in", STRINGS)
            .groupByKey().count()
            .groupBy((key, count) -> KeyValue.pair("n" + count, key), BY_STRING).count()
            .toStream().to("out", TO_LONGS));
        all.put("sum-of-counts", builder -> builder.stream("in", STRINGS)
            .groupBy((key, value) -> value, BY_STRING).count()
            .groupBy((key, count) -> KeyValue.pair(key.substring(0, 1), count), Scenarios.BY_STRING_LONGS)
            .reduce(Long::sum, (aggregate, count) -> aggregate - count)
            .toStream().to("out", TO_LONGS));
        all.put("cogroup", builder -> {
            final KGroupedStream<String, String> left = builder.stream("left", STRINGS).groupByKey();
            final KGroupedStream<String, String> right = builder.stream("right", STRINGS)
                .groupBy((key, value) -> value.substring(0, 1), BY_STRING);
            left.<String>cogroup((key, value, aggregate) -> aggregate + "l" + value)
                .cogroup(right, (key, value, aggregate) -> value.equals("Ax") ? null : aggregate + "r" + value)
                .aggregate(() -> "", strings())
                .toStream().to("out", TO_STRINGS);
        });
        all.put("named-grouping", builder -> {
            final KGroupedStream<String, String> grouped = builder.stream("in", STRINGS)
                .groupBy((key, value) -> value, Grouped.with("by-value", Serdes.String(), Serdes.String()));
            grouped.count(Materialized.as("counts")).toStream().to("counts-out", TO_LONGS);
            grouped.reduce((aggregate, value) -> aggregate + value, Materialized.as("joined"))
                .toStream().to("joined-out", TO_STRINGS);
        });
    }

    static Materialized<String, String, KeyValueStore<Bytes, byte[]>> strings() {
        return Materialized.with(Serdes.String(), Serdes.String());
    }

    private Aggregates() { }
}
