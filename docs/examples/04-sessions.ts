/** Sessions of activity: a record in the gap between two of them merges them, and takes the former ones back. */
import { MemoryBackendFactory, storeSuppliers } from '../../state/index.ts';
import {
  int64Serde,
  nullable,
  SessionWindows,
  sessionWindowedSerde,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
} from '../../streams/index.ts';

const builder = new StreamsBuilder({ stores: storeSuppliers });
builder
  .stream('clicks', { key: stringSerde, value: stringSerde })
  .groupByKey()
  .windowedBy(SessionWindows.ofInactivityGapAndGrace(5_000, 60_000))
  .count({ as: 'sessions' })
  .toStream()
  .to('session-counts', { value: int64Serde });

const driver = await TopologyTestDriver.start({ topology: builder.build(), stateFactory: new MemoryBackendFactory() });
const clicks = driver.inputTopic('clicks', stringSerde, stringSerde, { startTimeMs: 0 });
await clicks.pipe('ann', 'first');
clicks.advanceTime(8_000);
await clicks.pipe('ann', 'another session');
await clicks.pipe('ann', 'between the two', { timestampMs: 4_000 });

const counts = driver.outputTopic('session-counts', sessionWindowedSerde(stringSerde), nullable(int64Serde));
for (const [{ key, window }, count] of await counts.readKeyValues()) {
  console.log(`${key} from ${window.startMs} to ${window.endMs}: ${count}`);
}
await driver.close();
// → ann from 0 to 0: 1
// → ann from 8000 to 8000: 1
// → ann from 0 to 0: null
// → ann from 8000 to 8000: null
// → ann from 0 to 8000: 3
