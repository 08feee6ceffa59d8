package conformance;

import static conformance.Scenarios.BY_STRING;
import static conformance.Scenarios.STRINGS;
import static conformance.Scenarios.TO_STRINGS;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.KTable;

/** Rows of "left" name a row of "right" by what stands before their colon; without a colon they name none. */
final class ForeignKeyJoins {
    static void addTo(final Map<String, Consumer<StreamsBuilder>> all) {
        all.put("foreign-key-join", builder -> left(builder)
            .join(right(builder), ForeignKeyJoins::foreignKey, Scenarios::pair)
            .toStream().to("out", TO_STRINGS));
        all.put("foreign-key-left-join", builder -> left(builder)
            .leftJoin(right(builder), ForeignKeyJoins::foreignKey, Scenarios::pair)
            .toStream().to("out", TO_STRINGS));
        all.put("foreign-key-join-stored", builder -> left(builder)
            .join(right(builder), ForeignKeyJoins::foreignKey, Scenarios::pair, TableJoins.stored("joined"))
            .groupBy((key, value) -> KeyValue.pair(foreignKey(value), key), BY_STRING).count()
            .mapValues(String::valueOf)
            .toStream().to("out", TO_STRINGS));
    }

    private static String foreignKey(final String value) {
        final int colon = value.indexOf(':');
        return colon < 0 ? null : value.substring(0, colon);
    }

    private static KTable<String, String> left(final StreamsBuilder builder) {
        return builder.table("left", STRINGS);
    }

    private static KTable<String, String> right(final StreamsBuilder builder) {
        return builder.table("right", STRINGS);
    }

    private ForeignKeyJoins() { }
}
