package conformance;

import static conformance.Scenarios.BY_STRING;
import static conformance.Scenarios.BY_STRING_LONGS;
import static conformance.Scenarios.LONGS;
import static conformance.Scenarios.STRINGS;
import static conformance.Scenarios.TO_LONGS;
import static conformance.Scenarios.TO_STRINGS;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

final class Tables {
    static void addTo(final Map<String, Consumer<StreamsBuilder>> all) {
        all.put("table", builder -> builder.table("in", STRINGS).toStream().to("out", TO_STRINGS));
        all.put("table-stored", builder -> builder.table("in", STRINGS, Materialized.as("rows"))
            .toStream().to("out", TO_STRINGS));
        all.put("table-filter", builder -> builder.table("in", LONGS)
            .filter((key, value) -> value > 10).toStream().to("out", TO_LONGS));
        all.put("table-filter-stored-source", builder -> builder.table("in", LONGS, Materialized.as("rows"))
            .filter((key, value) -> value > 10).toStream().to("out", TO_LONGS));
        all.put("table-filter-stored", builder -> builder.table("in", LONGS)
            .filterNot((key, value) -> value > 10, longs("small")).toStream().to("out", TO_LONGS));
        all.put("table-map-values", builder -> builder.table("in", LONGS)
            .mapValues((key, value) -> value > 90 ? null : value * 2).toStream().to("out", TO_LONGS));
        all.put("table-map-values-stored", builder -> builder.table("in", LONGS)
            .mapValues((key, value) -> value > 90 ? null : value * 2, longs("doubled"))
            .filter((key, value) -> value > 10)
            .toStream().to("out", TO_LONGS));
        all.put("table-group-count", builder -> builder.table("in", STRINGS)
            .groupBy((key, value) -> KeyValue.pair(value, key), BY_STRING).count()
            .toStream().to("out", TO_LONGS));
        all.put("table-group-reduce", builder -> builder.table("in", LONGS)
            .groupBy((key, value) -> KeyValue.pair(value > 10 ? "big" : "small", value), BY_STRING_LONGS)
            .reduce(Long::sum, (aggregate, value) -> aggregate == value.longValue() ? null : aggregate - value)
            .toStream().to("out", TO_LONGS));
        all.put("table-group-aggregate", builder -> builder.table("in", STRINGS)
            .groupBy((key, value) -> value.equals("none") ? KeyValue.pair(null, value) : KeyValue.pair(value.substring(0, 1), key + value), BY_STRING)
            .aggregate(() -> ">", (key, value, aggregate) -> aggregate + "+" + value,
                (key, value, aggregate) -> aggregate + "-" + value, Aggregates.strings())
            .toStream().to("out", TO_STRINGS));
        all.put("table-derived-group", builder -> builder.table("in", LONGS)
            .filter((key, value) -> value > 10)
            .mapValues(value -> value % 10)
            .groupBy((key, value) -> KeyValue.pair("d" + value, value), BY_STRING_LONGS).count()
            .toStream().to("out", TO_LONGS));
        all.put("to-table", builder -> builder.stream("in", STRINGS).toTable().toStream().to("out", TO_STRINGS));
        all.put("to-table-by-value", builder -> builder.stream("in", STRINGS)
            .selectKey((key, value) -> value == null ? key : value.substring(0, 1))
            .toTable(Materialized.<String, String, KeyValueStore<Bytes, byte[]>>as("by-value")
                .withKeySerde(Serdes.String()).withValueSerde(Serdes.String()))
            .filter((key, value) -> !value.endsWith("x"))
            .toStream().to("out", TO_STRINGS));
        all.put("versioned-filter", builder -> builder.table("in", LONGS, versioned("history"))
            .filter((key, value) -> value > 10).toStream().to("out", TO_LONGS));
        all.put("versioned-group", builder -> builder.table("in", LONGS, versioned("history"))
            .groupBy((key, value) -> KeyValue.pair(value > 10 ? "big" : "small", value), BY_STRING_LONGS)
            .reduce(Long::sum, (aggregate, value) -> aggregate - value)
            .toStream().to("out", TO_LONGS));
    }

    static Materialized<String, Long, KeyValueStore<Bytes, byte[]>> longs(final String name) {
        return Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as(name)
            .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long());
    }

    static Materialized<String, Long, KeyValueStore<Bytes, byte[]>> versioned(final String name) {
        return Materialized.<String, Long>as(Stores.persistentVersionedKeyValueStore(name, java.time.Duration.ofMillis(20)))
            .withKeySerde(Serdes.String()).withValueSerde(Serdes.Long());
    }

    private Tables() { }
}
