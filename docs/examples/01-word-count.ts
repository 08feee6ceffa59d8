/** Counts words. */
import { MemoryBackendFactory, storeSuppliers } from '../../state/index.ts';
import { int64Serde, StreamsBuilder, stringSerde, TopologyTestDriver } from '../../streams/index.ts';

const builder = new StreamsBuilder({ stores: storeSuppliers });
builder
  .stream('lines', { key: stringSerde, value: stringSerde })
  .flatMapValues((line) => line.toLowerCase().split(' '))
  .groupBy((_key, word) => word, { key: stringSerde, value: stringSerde })
  .count({ as: 'counts' })
  .toStream()
  .to('word-counts', { value: int64Serde });

const driver = await TopologyTestDriver.start({ topology: builder.build(), stateFactory: new MemoryBackendFactory() });
await driver.inputTopic('lines', stringSerde, stringSerde).pipe('1', 'all streams lead to streams');
const words = await driver.outputTopic('word-counts', stringSerde, int64Serde).readKeyValues();
for (const [word, count] of words) console.log(word, count);
await driver.close();
// → all 1
// → streams 1
// → lead 1
// → to 1
// → streams 2
