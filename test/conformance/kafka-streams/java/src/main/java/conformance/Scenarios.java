package conformance;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Produced;

/** All topologies by name; each has its counterpart of the same name in ../scenarios. */
final class Scenarios {
    private static final Map<String, Consumer<StreamsBuilder>> ALL = new HashMap<>();

    static final Consumed<String, String> STRINGS = Consumed.with(Serdes.String(), Serdes.String());
    static final Consumed<String, Long> LONGS = Consumed.with(Serdes.String(), Serdes.Long());
    static final Produced<String, String> TO_STRINGS = Produced.with(Serdes.String(), Serdes.String());
    static final Produced<String, Long> TO_LONGS = Produced.with(Serdes.String(), Serdes.Long());
    static final Grouped<String, String> BY_STRING = Grouped.with(Serdes.String(), Serdes.String());
    static final Grouped<String, Long> BY_STRING_LONGS = Grouped.with(Serdes.String(), Serdes.Long());

    static {
        Stateless.addTo(ALL);
        Aggregates.addTo(ALL);
        WindowedAggregates.addTo(ALL);
        Suppressions.addTo(ALL);
        Tables.addTo(ALL);
        TableJoins.addTo(ALL);
        ForeignKeyJoins.addTo(ALL);
        StreamJoins.addTo(ALL);
        StreamTableJoins.addTo(ALL);
    }

    static Consumer<StreamsBuilder> byName(final String name) {
        final Consumer<StreamsBuilder> scenario = ALL.get(name);
        if (scenario == null) {
            throw new IllegalArgumentException("No topology " + name);
        }
        return scenario;
    }

    /** Also shows which sides were missing. */
    static String pair(final Object one, final Object other) {
        return one + "+" + other;
    }

    private Scenarios() { }
}
