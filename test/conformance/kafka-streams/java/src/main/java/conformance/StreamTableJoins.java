package conformance;

import static conformance.Scenarios.LONGS;
import static conformance.Scenarios.STRINGS;
import static conformance.Scenarios.TO_STRINGS;
import static conformance.Scenarios.pair;
import static java.time.Duration.ofMillis;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Joined;
import org.apache.kafka.streams.kstream.KStream;

final class StreamTableJoins {
    private static final Joined<String, String, String> BY = Joined.with(Serdes.String(), Serdes.String(), Serdes.String());

    static void addTo(final Map<String, Consumer<StreamsBuilder>> all) {
        all.put("stream-table-join", builder -> out(stream(builder).join(builder.table("table", STRINGS), Scenarios::pair)));
        all.put("stream-table-left-join", builder -> out(
            stream(builder).leftJoin(builder.table("table", STRINGS), Scenarios::pair)));
        all.put("stream-table-join-by-value", builder -> out(
            stream(builder).selectKey((key, value) -> value.substring(0, 1))
                .join(builder.table("table", STRINGS).mapValues(value -> value + value), Scenarios::pair, BY)));
        all.put("stream-global-table-join", builder -> out(stream(builder)
            .join(builder.globalTable("table", STRINGS), StreamTableJoins::named, Scenarios::pair)));
        all.put("stream-global-table-left-join", builder -> out(stream(builder)
            .leftJoin(builder.globalTable("table", STRINGS), StreamTableJoins::named, Scenarios::pair)));
        all.put("stream-versioned-table-join", builder -> out(stream(builder)
            .join(builder.table("table", LONGS, Tables.versioned("history")), (value, row) -> pair(value, row),
                Joined.with(Serdes.String(), Serdes.String(), Serdes.Long()))));
        all.put("stream-versioned-table-join-grace", builder -> out(stream(builder)
            .leftJoin(builder.table("table", LONGS, Tables.versioned("history")), (value, row) -> pair(value, row),
                Joined.with(Serdes.String(), Serdes.String(), Serdes.Long(), "waiting", ofMillis(10)))));
    }

    /** The row that a record names: the first letter of its value, or none if that is a dash. */
    private static String named(final String key, final String value) {
        return value == null || value.startsWith("-") ? null : value.substring(0, 1);
    }

    private static KStream<String, String> stream(final StreamsBuilder builder) {
        return builder.stream("stream", STRINGS);
    }

    private static void out(final KStream<String, String> stream) {
        stream.to("out", TO_STRINGS);
    }

    private StreamTableJoins() { }
}
