package conformance;

import static conformance.Scenarios.BY_STRING_LONGS;
import static conformance.Scenarios.LONGS;
import static conformance.Scenarios.TO_LONGS;
import static java.time.Duration.ofMillis;
import static org.apache.kafka.streams.kstream.Suppressed.BufferConfig.maxRecords;
import static org.apache.kafka.streams.kstream.Suppressed.BufferConfig.unbounded;
import static org.apache.kafka.streams.kstream.Suppressed.untilTimeLimit;
import static org.apache.kafka.streams.kstream.Suppressed.untilWindowCloses;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;

final class Suppressions {
    static void addTo(final Map<String, Consumer<StreamsBuilder>> all) {
        all.put("suppress-tumbling", builder -> WindowedAggregates.timed(WindowedAggregates.grouped(builder)
            .windowedBy(WindowedAggregates.TUMBLING).count().suppress(untilWindowCloses(unbounded()))));
        all.put("suppress-hopping-filtered", builder -> WindowedAggregates.timed(WindowedAggregates.grouped(builder)
            .windowedBy(WindowedAggregates.HOPPING).count()
            .filter((windowed, count) -> count > 1)
            .suppress(untilWindowCloses(unbounded()))));
        all.put("suppress-sliding", builder -> WindowedAggregates.timed(WindowedAggregates.grouped(builder)
            .windowedBy(WindowedAggregates.SLIDING).count().suppress(untilWindowCloses(unbounded()))));
        all.put("suppress-session", builder -> WindowedAggregates.sessions(WindowedAggregates.grouped(builder)
            .windowedBy(WindowedAggregates.SESSION).count().suppress(untilWindowCloses(unbounded()))));
        all.put("suppress-time-limit", builder -> table(builder)
            .suppress(untilTimeLimit(ofMillis(10), unbounded()))
            .toStream().to("out", TO_LONGS));
        all.put("suppress-max-records", builder -> table(builder)
            .suppress(untilTimeLimit(ofMillis(100), maxRecords(2)))
            .toStream().to("out", TO_LONGS));
        all.put("suppress-at-once", builder -> table(builder)
            .suppress(untilTimeLimit(ofMillis(0), unbounded()))
            .toStream().to("out", TO_LONGS));
        all.put("suppress-then-group", builder -> table(builder)
            .suppress(untilTimeLimit(ofMillis(10), unbounded()))
            .groupBy((key, value) -> KeyValue.pair(key.substring(0, 1), value), BY_STRING_LONGS)
            .reduce(Long::sum, (aggregate, value) -> aggregate - value)
            .toStream().to("out", TO_LONGS));
        all.put("suppress-then-join", builder -> table(builder)
            .suppress(untilTimeLimit(ofMillis(10), unbounded()))
            .join(builder.table("other", LONGS), (value, other) -> value * 100 + other)
            .toStream().to("out", TO_LONGS));
    }

    private static KTable<String, Long> table(final StreamsBuilder builder) {
        return builder.table("in", LONGS, Materialized.with(Serdes.String(), Serdes.Long()));
    }

    private Suppressions() { }
}
