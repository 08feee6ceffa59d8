/** The Processor API within the DSL: a store with a time to live, read by prefix, and a punctuation by the wall clock. */
import { MemoryBackendFactory, storeSuppliers, stringKey, ttlKeyValueStore } from '../../state/index.ts';
import {
  StreamsBuilder,
  stringSerde,
  TopologyTestDriver,
  type KeyValueStore,
  type Processor,
  type ProcessorContext,
  type Record,
} from '../../streams/index.ts';

/** Tells every ten seconds which vehicles of a fleet were heard of during the last minute of event time. */
class Roll implements Processor<string, string, string, string> {
  #seen!: KeyValueStore<string, string>;

  init(context: ProcessorContext<string, string>): void {
    this.#seen = context.getStateStore('seen');
    context.schedule(10_000, 'wall-clock', (timestampMs) => {
      const vehicles = [...this.#seen.prefixScan(Buffer.from('north/'))].map(({ key }) => key.slice('north/'.length));
      context.forward({ key: 'north', value: vehicles.join(' '), timestampMs, headers: undefined });
    });
  }

  process({ key, value }: Record<string, string>): void {
    this.#seen.put(`${key}/${value}`, value);
  }
}

const text = { key: stringSerde, value: stringSerde };
const builder = new StreamsBuilder({ stores: storeSuppliers });
builder.addStateStore(ttlKeyValueStore({ name: 'seen', key: stringKey, value: stringSerde, ttlMs: 60_000 }));
builder
  .stream('positions', text)
  .process(() => new Roll(), { stores: ['seen'] })
  .to('roll', text);

const driver = await TopologyTestDriver.start({ topology: builder.build(), stateFactory: new MemoryBackendFactory() });
const positions = driver.inputTopic('positions', stringSerde, stringSerde);
const roll = driver.outputTopic('roll', stringSerde, stringSerde);
await positions.pipeAll([
  ['north', 'van-1', 0],
  ['north', 'van-2', 30_000],
  ['south', 'van-3', 30_000],
]);
await driver.advanceWallClock(10_000);
await positions.pipe('south', 'van-3', { timestampMs: 60_000 });
await driver.restart(); // as after a crash
await driver.advanceWallClock(10_000);
for (const [fleet, vehicles] of await roll.readKeyValues()) console.log(`${fleet}: ${vehicles}`);
await driver.close();
// → north: van-1 van-2
// → north: van-2
