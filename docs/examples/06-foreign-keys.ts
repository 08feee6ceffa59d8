/** A table joined by foreign key: each van with its driver, kept up to date from both sides. */
import { MemoryBackendFactory, storeSuppliers } from '../../state/index.ts';
import { jsonSerde, nullable, StreamsBuilder, stringSerde, TopologyTestDriver } from '../../streams/index.ts';

interface Van {
  readonly plate: string;
  readonly driver: string;
}

const van = jsonSerde<Van>();
const builder = new StreamsBuilder({ stores: storeSuppliers });
const drivers = builder.table('drivers', { key: stringSerde, value: stringSerde });
builder
  .table('vans', { key: stringSerde, value: van })
  .join(
    drivers,
    ({ driver }) => driver,
    ({ plate }, name) => `${plate} is driven by ${name}`,
    { name: 'vans-drivers', as: 'vans-with-drivers', value: stringSerde },
  )
  .toStream()
  .to('roster', { value: stringSerde });

const driver = await TopologyTestDriver.start({ topology: builder.build(), stateFactory: new MemoryBackendFactory() });
const vans = driver.inputTopic('vans', stringSerde, nullable(van));
const names = driver.inputTopic('drivers', stringSerde, stringSerde);
await names.pipe('d1', 'Ann');
await vans.pipe('v1', { plate: 'B-1', driver: 'd1' });
await vans.pipe('v2', { plate: 'B-2', driver: 'd2' }); // nobody knows d2 yet
await names.pipe('d2', 'Bob');
await names.pipe('d1', 'Anna');
await vans.pipe('v2', null);
for (const [id, line] of await driver.outputTopic('roster', stringSerde, nullable(stringSerde)).readKeyValues()) {
  console.log(id, line);
}
await driver.close();
// → v1 B-1 is driven by Ann
// → v2 B-2 is driven by Bob
// → v1 B-1 is driven by Anna
// → v2 null
