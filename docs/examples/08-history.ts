/** Prices as of the time of the sale: a versioned table, joined in the order of event time. */
import { MemoryBackendFactory, storeSuppliers } from '../../state/index.ts';
import {
  int64Serde,
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  type VersionedKeyValueStore,
} from '../../streams/index.ts';

const builder = new StreamsBuilder({ stores: storeSuppliers });
const prices = builder.table(
  'prices',
  { key: stringSerde, value: int64Serde },
  { as: 'prices', historyRetentionMs: 3_600_000 },
);
builder
  .stream('sales', { key: stringSerde, value: int64Serde })
  .join(prices, (pieces, price) => pieces * price)
  .to('turnover', { key: stringSerde, value: int64Serde });

const driver = await TopologyTestDriver.start({ topology: builder.build(), stateFactory: new MemoryBackendFactory() });
const price = driver.inputTopic('prices', stringSerde, int64Serde);
await price.pipeAll([
  ['tea', 3, 1_000],
  ['tea', 4, 9_000],
]);
const sales = driver.inputTopic('sales', stringSerde, int64Serde);
await sales.pipe('tea', 10, { timestampMs: 5_000 });
await sales.pipe('tea', 10, { timestampMs: 9_500 });
console.log(await driver.outputTopic('turnover', stringSerde, int64Serde).readKeyValues());

const store = driver.store<VersionedKeyValueStore<string, number>>('prices');
for (const { key, value } of store.all({ asOfMs: 6_000 })) console.log(key, value);
await driver.close();
// → [ [ 'tea', 30 ], [ 'tea', 40 ] ]
// → tea { value: 3, validFromMs: 1000, validToMs: 9000 }
