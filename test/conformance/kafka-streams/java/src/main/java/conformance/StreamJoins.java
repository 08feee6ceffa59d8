package conformance;

import static conformance.Scenarios.STRINGS;
import static conformance.Scenarios.TO_STRINGS;
import static java.time.Duration.ofMillis;

import java.util.Map;
import java.util.function.Consumer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.JoinWindows;
import org.apache.kafka.streams.kstream.KStream;
import org.apache.kafka.streams.kstream.StreamJoined;

final class StreamJoins {
    private static final JoinWindows NEAR = JoinWindows.ofTimeDifferenceAndGrace(ofMillis(5), ofMillis(4));
    private static final JoinWindows NO_GRACE = JoinWindows.ofTimeDifferenceWithNoGrace(ofMillis(5));
    /** The other record is the later one. */
    private static final JoinWindows AFTER = JoinWindows.ofTimeDifferenceAndGrace(ofMillis(8), ofMillis(2)).before(ofMillis(0));
    private static final StreamJoined<String, String, String> BY = StreamJoined.with(Serdes.String(), Serdes.String(), Serdes.String());

    static void addTo(final Map<String, Consumer<StreamsBuilder>> all) {
        all.put("stream-join", builder -> out(left(builder).join(right(builder), Scenarios::pair, NEAR, BY)));
        all.put("stream-join-no-grace", builder -> out(left(builder).join(right(builder), Scenarios::pair, NO_GRACE, BY)));
        all.put("stream-left-join", builder -> out(left(builder).leftJoin(right(builder), Scenarios::pair, NEAR, BY)));
        all.put("stream-outer-join", builder -> out(left(builder).outerJoin(right(builder), Scenarios::pair, NEAR, BY)));
        all.put("stream-left-join-no-grace", builder -> out(left(builder).leftJoin(right(builder), Scenarios::pair, NO_GRACE, BY)));
        all.put("stream-left-join-several-waiting", all.get("stream-left-join-no-grace"));
        all.put("stream-outer-join-no-grace", builder -> out(left(builder).outerJoin(right(builder), Scenarios::pair, NO_GRACE, BY)));
        all.put("stream-join-after", builder -> out(left(builder).join(right(builder), Scenarios::pair, AFTER, BY)));
        all.put("stream-left-join-after", builder -> out(left(builder).leftJoin(right(builder), Scenarios::pair, AFTER, BY)));
        all.put("stream-outer-join-after", builder -> out(left(builder).outerJoin(right(builder), Scenarios::pair, AFTER, BY)));
        all.put("stream-self-join", builder -> {
            final KStream<String, String> in = builder.stream("in", STRINGS);
            out(in.join(in, Scenarios::pair, NEAR, BY));
        });
        all.put("stream-join-by-value", builder -> out(
            left(builder).selectKey((key, value) -> value == null ? null : value.substring(0, 1))
                .leftJoin(right(builder).selectKey((key, value) -> value.substring(0, 1)), Scenarios::pair, NEAR, BY)));
        all.put("stream-join-chain", builder -> out(left(builder).join(right(builder), Scenarios::pair, NEAR, BY)
            .leftJoin(builder.stream("third", STRINGS), (both, third) -> both + "/" + third, NEAR, BY)));
    }

    private static KStream<String, String> left(final StreamsBuilder builder) {
        return builder.stream("left", STRINGS);
    }

    private static KStream<String, String> right(final StreamsBuilder builder) {
        return builder.stream("right", STRINGS);
    }

    private static void out(final KStream<String, String> stream) {
        stream.to("out", TO_STRINGS);
    }

    private StreamJoins() { }
}
