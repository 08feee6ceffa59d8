package conformance;

import static conformance.Scenarios.BY_STRING;
import static conformance.Scenarios.LONGS;
import static conformance.Scenarios.STRINGS;
import static conformance.Scenarios.TO_LONGS;
import static conformance.Scenarios.TO_STRINGS;
import static conformance.Scenarios.pair;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.state.KeyValueStore;

final class TableJoins {
    static void addTo(final Map<String, Consumer<StreamsBuilder>> all) {
        all.put("table-join", builder -> out(left(builder).join(right(builder), Scenarios::pair)));
        all.put("table-left-join", builder -> out(left(builder).leftJoin(right(builder), Scenarios::pair)));
        all.put("table-outer-join", builder -> out(left(builder).outerJoin(right(builder), Scenarios::pair)));
        all.put("table-join-stored", builder -> out(left(builder).join(right(builder), Scenarios::pair, stored("joined"))
            .filter((key, value) -> !value.contains("x"))));
        all.put("table-left-join-grouped", builder -> left(builder).leftJoin(right(builder), Scenarios::pair)
            .groupBy((key, value) -> KeyValue.pair(value.substring(0, 1), value), BY_STRING)
            .aggregate(() -> ">", (key, value, aggregate) -> aggregate + " +" + value,
                (key, value, aggregate) -> aggregate + " -" + value, Aggregates.strings())
            .toStream().to("out", TO_STRINGS));
        all.put("table-outer-join-grouped", builder -> left(builder).outerJoin(right(builder), Scenarios::pair)
            .groupBy((key, value) -> KeyValue.pair(value.substring(0, 1), value), BY_STRING)
            .aggregate(() -> ">", (key, value, aggregate) -> aggregate + " +" + value,
                (key, value, aggregate) -> aggregate + " -" + value, Aggregates.strings())
            .toStream().to("out", TO_STRINGS));
        all.put("table-join-of-joins", builder -> out(left(builder).leftJoin(right(builder), Scenarios::pair)
            .outerJoin(builder.table("third", STRINGS), (both, third) -> both + "/" + third)));
        all.put("table-join-derived", builder -> out(left(builder).filter((key, value) -> !value.startsWith("x"))
            .leftJoin(right(builder).mapValues(value -> value.startsWith("x") ? null : value + value), Scenarios::pair)));
        all.put("table-join-group-sides", builder -> {
            final KTable<String, Long> ones = builder.stream("left", STRINGS).groupByKey().count();
            final KTable<String, Long> others = builder.stream("right", STRINGS).groupByKey().count();
            ones.outerJoin(others, (one, other) -> pair(one, other)).toStream().to("out", TO_STRINGS);
        });
        all.put("windowed-table-join", builder -> {
            final var ones = builder.stream("left", STRINGS).groupByKey().windowedBy(WindowedAggregates.TUMBLING).count();
            final var others = builder.stream("right", STRINGS).groupByKey().windowedBy(WindowedAggregates.TUMBLING).count();
            WindowedAggregates.timedText(ones.leftJoin(others, (one, other) -> pair(one, other)));
        });
        all.put("versioned-table-join", builder -> builder.table("left", LONGS, Tables.versioned("ours"))
            .leftJoin(builder.table("right", LONGS, Tables.versioned("theirs")),
                (one, other) -> one * 100 + (other == null ? 0 : other))
            .toStream().to("out", TO_LONGS));
    }

    private static KTable<String, String> left(final StreamsBuilder builder) {
        return builder.table("left", STRINGS);
    }

    private static KTable<String, String> right(final StreamsBuilder builder) {
        return builder.table("right", STRINGS);
    }

    private static void out(final KTable<String, String> table) {
        table.toStream().to("out", TO_STRINGS);
    }

    static Materialized<String, String, KeyValueStore<Bytes, byte[]>> stored(final String name) {
        return Materialized.<String, String, KeyValueStore<Bytes, byte[]>>as(name)
            .withKeySerde(Serdes.String()).withValueSerde(Serdes.String());
    }

    private TableJoins() { }
}
