/** Clicks per page in windows of ten seconds: records out of order, a grace period, and one final result for each window. */
import { MemoryBackendFactory, storeSuppliers } from '../../state/index.ts';
import {
  int64Serde,
  StreamsBuilder,
  stringSerde,
  Suppressed,
  TimeWindows,
  timeWindowedSerde,
  TopologyTestDriver,
} from '../../streams/index.ts';

const windows = TimeWindows.ofSizeAndGrace(10_000, 5_000);
const builder = new StreamsBuilder({ stores: storeSuppliers });
builder
  .stream('clicks', { key: stringSerde, value: stringSerde })
  .groupByKey()
  .windowedBy(windows)
  .count({ as: 'clicks-per-page' })
  .suppress(Suppressed.untilWindowCloses())
  .toStream()
  .to('page-counts', { value: int64Serde });

const driver = await TopologyTestDriver.start({ topology: builder.build(), stateFactory: new MemoryBackendFactory() });
await driver.inputTopic('clicks', stringSerde, stringSerde).pipeAll([
  ['/home', 'ann', 1_000],
  ['/home', 'bob', 12_000],
  ['/home', 'cid', 9_000], // out of order, within the grace period
  ['/home', 'dan', 15_000], // closes the first window
  ['/home', 'eve', 3_000], // too late: dropped and counted
  ['/home', 'fay', 30_000],
]);
const counts = driver.outputTopic('page-counts', timeWindowedSerde(stringSerde, windows), int64Serde);
for (const [{ key, window }, count] of await counts.readKeyValues()) {
  console.log(`${key} from ${window.startMs} to ${window.endMs}: ${count}`);
}
await driver.close();
// → /home from 0 to 10000: 2
// → /home from 10000 to 20000: 2
