/** Trips per day of a time zone: the day on which the clocks go back has 25 hours. Kafka Streams has no such windows. */
import { MemoryBackendFactory, storeSuppliers } from '../../state/index.ts';
import {
  CalendarWindows,
  int64Serde,
  StreamsBuilder,
  stringSerde,
  timeWindowedSerde,
  TopologyTestDriver,
} from '../../streams/index.ts';

const days = CalendarWindows.of({ unit: 'day', timeZone: 'Europe/Berlin', graceMs: 3_600_000 });
const builder = new StreamsBuilder({ stores: storeSuppliers });
builder
  .stream('trips', { key: stringSerde, value: stringSerde })
  .groupByKey()
  .windowedBy(days)
  .count()
  .toStream()
  .to('trips-per-day', { value: int64Serde });

const driver = await TopologyTestDriver.start({ topology: builder.build(), stateFactory: new MemoryBackendFactory() });
const at = (time: string): number => Date.parse(time);
await driver.inputTopic('trips', stringSerde, stringSerde).pipeAll([
  ['van-1', 'school', at('2026-10-25T00:00:00+02:00')],
  ['van-1', 'depot', at('2026-10-25T23:59:59+01:00')],
  ['van-1', 'school', at('2026-10-26T00:00:00+01:00')],
]);
const perDay = driver.outputTopic('trips-per-day', timeWindowedSerde(stringSerde, days), int64Serde);
for (const [{ window }, count] of await perDay.readKeyValues()) {
  const hours = (window.endMs - window.startMs) / 3_600_000;
  console.log(`${new Date(window.startMs).toISOString()}, ${hours} hours: ${count}`);
}
await driver.close();
// → 2026-10-24T22:00:00.000Z, 25 hours: 1
// → 2026-10-24T22:00:00.000Z, 25 hours: 2
// → 2026-10-25T23:00:00.000Z, 24 hours: 1
