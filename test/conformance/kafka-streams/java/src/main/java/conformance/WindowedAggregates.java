package conformance;

import static conformance.Scenarios.BY_STRING;
import static conformance.Scenarios.STRINGS;
import static conformance.Scenarios.TO_LONGS;
import static java.time.Duration.ofMillis;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.CogroupedKStream;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.KGroupedStream;
import org.apache.kafka.streams.kstream.KTable;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.SlidingWindows;
import org.apache.kafka.streams.kstream.TimeWindows;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.kstream.WindowedSerdes;
import org.apache.kafka.streams.state.SessionStore;
import org.apache.kafka.streams.state.WindowStore;

final class WindowedAggregates {
    static final TimeWindows TUMBLING = TimeWindows.ofSizeAndGrace(ofMillis(10), ofMillis(5));
    static final TimeWindows HOPPING = TimeWindows.ofSizeAndGrace(ofMillis(10), ofMillis(3)).advanceBy(ofMillis(4));
    static final SlidingWindows SLIDING = SlidingWindows.ofTimeDifferenceAndGrace(ofMillis(10), ofMillis(20));
    static final SessionWindows SESSION = SessionWindows.ofInactivityGapAndGrace(ofMillis(5), ofMillis(10));

    static void addTo(final Map<String, Consumer<StreamsBuilder>> all) {
        all.put("tumbling-count", builder -> timed(grouped(builder).windowedBy(TUMBLING).count()));
        all.put("tumbling-reduce", builder -> timedText(
            grouped(builder).windowedBy(TUMBLING).reduce((aggregate, value) -> aggregate + value)));
        all.put("tumbling-aggregate-removing", builder -> timedText(grouped(builder).windowedBy(TUMBLING)
            .aggregate(() -> ">", (key, value, aggregate) -> "x".equals(value) ? null : aggregate + value, windowed())));
        all.put("hopping-aggregate", builder -> timedText(grouped(builder).windowedBy(HOPPING)
            .aggregate(() -> "", (key, value, aggregate) -> aggregate + value, windowed())));
        all.put("sliding-aggregate", builder -> timedText(grouped(builder).windowedBy(SLIDING)
            .aggregate(() -> "", (key, value, aggregate) -> aggregate + value, windowed())));
        all.put("sliding-count", builder -> timed(grouped(builder)
            .windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(ofMillis(10), ofMillis(5))).count()));
        all.put("sliding-reduce", builder -> timedText(
            grouped(builder).windowedBy(SLIDING).reduce((aggregate, value) -> aggregate + value)));
        all.put("session-count", builder -> sessions(grouped(builder).windowedBy(SESSION).count()));
        all.put("session-aggregate", builder -> sessionText(grouped(builder).windowedBy(SESSION).aggregate(
            () -> "", (key, value, aggregate) -> aggregate + value, (key, one, other) -> one + "|" + other, session())));
        all.put("session-reduce", builder -> sessionText(grouped(builder)
            .windowedBy(SessionWindows.ofInactivityGapWithNoGrace(ofMillis(5)))
            .reduce((aggregate, value) -> aggregate + value)));
        all.put("tumbling-on-close", builder -> timed(
            grouped(builder).windowedBy(TUMBLING).emitStrategy(EmitStrategy.onWindowClose()).count()));
        all.put("hopping-on-close", builder -> timedText(
            grouped(builder).windowedBy(HOPPING).emitStrategy(EmitStrategy.onWindowClose())
                .aggregate(() -> "", (key, value, aggregate) -> aggregate + value, windowed())));
        all.put("sliding-on-close", builder -> timedText(
            grouped(builder).windowedBy(SlidingWindows.ofTimeDifferenceAndGrace(ofMillis(10), ofMillis(5)))
                .emitStrategy(EmitStrategy.onWindowClose())
                .aggregate(() -> "", (key, value, aggregate) -> aggregate + value, windowed())));
        all.put("tumbling-on-close-after-jumps", all.get("tumbling-on-close"));
        all.put("hopping-on-close-after-jumps", all.get("hopping-on-close"));
        all.put("sliding-on-close-after-jumps", all.get("sliding-on-close"));
        all.put("session-on-close", builder -> sessions(
            grouped(builder).windowedBy(SESSION).emitStrategy(EmitStrategy.onWindowClose()).count()));
        all.put("tumbling-by-value", builder -> timed(builder.stream("in", STRINGS)
            .groupBy((key, value) -> value, BY_STRING).windowedBy(TUMBLING).count()));
        all.put("tumbling-then-grouped", builder -> grouped(builder).windowedBy(TUMBLING).count()
            .groupBy((windowed, count) -> KeyValue.pair(windowed.key(), count), Scenarios.BY_STRING_LONGS)
            .reduce(Long::sum, (aggregate, count) -> aggregate - count)
            .toStream().to("out", TO_LONGS));
        all.put("session-then-grouped", builder -> grouped(builder).windowedBy(SESSION).count()
            .groupBy((windowed, count) -> KeyValue.pair(windowed.key(), count), Scenarios.BY_STRING_LONGS)
            .reduce(Long::sum, (aggregate, count) -> aggregate - count)
            .toStream().to("out", TO_LONGS));
        all.put("tumbling-cogroup", builder -> timedText(cogrouped(builder).windowedBy(TUMBLING).aggregate(() -> "", windowed())));
        all.put("tumbling-cogroup-lagging", all.get("tumbling-cogroup"));
        all.put("sliding-cogroup", builder -> timedText(cogrouped(builder).windowedBy(SLIDING).aggregate(() -> "", windowed())));
        all.put("session-cogroup", builder -> sessionText(cogrouped(builder).windowedBy(SESSION)
            .aggregate(() -> "", (key, one, other) -> one + "|" + other, session())));
    }

    static KGroupedStream<String, String> grouped(final StreamsBuilder builder) {
        return builder.stream("in", STRINGS).groupByKey();
    }

    private static CogroupedKStream<String, String> cogrouped(final StreamsBuilder builder) {
        return builder.stream("left", STRINGS).groupByKey()
            .<String>cogroup((key, value, aggregate) -> aggregate + "l" + value)
            .cogroup(builder.stream("right", STRINGS).groupByKey(), (key, value, aggregate) -> aggregate + "r" + value);
    }

    static Materialized<String, String, WindowStore<Bytes, byte[]>> windowed() {
        return Materialized.with(Serdes.String(), Serdes.String());
    }

    private static Materialized<String, String, SessionStore<Bytes, byte[]>> session() {
        return Materialized.with(Serdes.String(), Serdes.String());
    }

    static void timed(final KTable<Windowed<String>, Long> table) {
        table.toStream().to("out", Produced.with(WindowedSerdes.timeWindowedSerdeFrom(String.class, 10L), Serdes.Long()));
    }

    static void timedText(final KTable<Windowed<String>, String> table) {
        table.toStream().to("out", Produced.with(WindowedSerdes.timeWindowedSerdeFrom(String.class, 10L), Serdes.String()));
    }

    static void sessions(final KTable<Windowed<String>, Long> table) {
        table.toStream().to("out", Produced.with(WindowedSerdes.sessionWindowedSerdeFrom(String.class), Serdes.Long()));
    }

    private static void sessionText(final KTable<Windowed<String>, String> table) {
        table.toStream().to("out", Produced.with(WindowedSerdes.sessionWindowedSerdeFrom(String.class), Serdes.String()));
    }

    private WindowedAggregates() { }
}
