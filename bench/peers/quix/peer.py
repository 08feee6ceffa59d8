"""The alert-escalation job on Quix Streams, as a yardstick: exactly once, RocksDB state with changelog topics.

It does less than ours: no timers and no known alert ids. Prints one JSON line with the measures of the other engines.
"""

import argparse
import io
import json
import resource
import time
import uuid

import fastavro
from quixstreams import Application, message_context

RULES = {"overspeed": (3, 120_000), "feedback_negative": (2, 86_400_000)}
LADDER = ["low", "medium", "high", "critical"]
FRAME = b"\x00\x00\x00\x00\x01"


def without_logical_types(schema):
    """Times stay numbers."""
    if isinstance(schema, dict):
        return {k: without_logical_types(v) for k, v in schema.items() if k != "logicalType"}
    return [without_logical_types(s) for s in schema] if isinstance(schema, list) else schema


def schema_of(path):
    with open(path) as file:
        return fastavro.parse_schema(without_logical_types(json.load(file)))


parser = argparse.ArgumentParser()
for name in ("brokers", "input", "output", "app", "raw-schema", "event-schema", "state"):
    parser.add_argument(f"--{name}", required=True)
parser.add_argument("--count", type=int, required=True)
parser.add_argument("--grace", type=int, default=5_000)
options = parser.parse_args()
raw_schema = schema_of(options.raw_schema)
event_schema = schema_of(options.event_schema)
first = None
processed = 0


def encode(event):
    out = io.BytesIO()
    out.write(FRAME)
    fastavro.schemaless_writer(out, event_schema, event)
    return out.getvalue()


def count_with(state, source, timestamp, count, window_ms):
    """Alerts of the driver and source in (timestamp - window, timestamp], and what has to be kept."""
    key = f"times|{source}"
    times = sorted([*state.get(key, default=[]), timestamp])
    horizon = times[-1] - options.grace
    in_grace = len(times)
    while in_grace > 0 and times[in_grace - 1] > horizon:
        in_grace -= 1
    kept = times[max(0, in_grace - count):]
    state.set(key, [t for t in kept if t > horizon - window_ms])
    return sum(1 for t in times if timestamp - window_ms < t <= timestamp)


def process(value, state):
    global first, processed
    first = first or time.monotonic()
    processed += 1
    if processed == options.count:
        app.stop()
    alert = fastavro.schemaless_reader(io.BytesIO(value[5:]), raw_schema)
    at = message_context()
    alert_id = str(uuid.uuid3(uuid.NAMESPACE_OID, f"{at.topic}{at.partition}:{at.offset}"))
    source, severity, timestamp = alert["sourceType"], alert["severity"], alert["timestamp"]

    def event(kind, status, level):
        return {
            "eventId": f"{alert_id}:{kind}", "alertId": alert_id, "eventType": kind, "newStatus": status,
            "driverId": alert["driverId"], "sourceType": source, "severity": level, "timestamp": timestamp,
            "metadata": alert["metadata"],
        }

    events = [event("CREATED", "OPEN", severity)]
    rule = RULES.get(source)
    if rule and count_with(state, source, timestamp, *rule) >= rule[0]:
        events.append(event("ESCALATED", "ESCALATED", LADDER[min(LADDER.index(severity) + 2, 3)]))
    if source == "compliance" and json.loads(alert["metadata"]).get("document_valid") is True:
        events.append(event("AUTO_CLOSED", "AUTO_CLOSED", severity))
    elif rule:
        state.set(f"open|{alert_id}", events[-1])
    return [encode(made) for made in events]


started = time.monotonic()
app = Application(
    broker_address=options.brokers, consumer_group=options.app, auto_offset_reset="earliest", loglevel="ERROR",
    processing_guarantee="exactly-once", state_dir=options.state, commit_interval=0.1, auto_create_topics=True,
)
source_topic = app.topic(options.input, key_deserializer="str", value_deserializer="bytes")
sink_topic = app.topic(options.output, key_serializer="str", value_serializer="bytes")
app.dataframe(source_topic).apply(process, stateful=True, expand=True).to_topic(sink_topic)
app.run()
seconds = time.monotonic() - first
usage = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({
    "engine": "quix", "records": options.count, "seconds": round(seconds, 2),
    "recordsPerSecond": round(options.count / seconds), "cpuSeconds": round(usage.ru_utime + usage.ru_stime, 1),
    "startToFirstRecordSeconds": round(first - started, 2),
}), flush=True)
