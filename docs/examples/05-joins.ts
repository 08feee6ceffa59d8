/** Orders with their customers (a table), with the currency of the shop (a global table), and with the payment that follows. */
import { MemoryBackendFactory, storeSuppliers } from '../../state/index.ts';
import { JoinWindows, jsonSerde, StreamsBuilder, stringSerde, TopologyTestDriver } from '../../streams/index.ts';

interface Order {
  readonly id: string;
  readonly shop: string;
  readonly amount: number;
}

const text = { key: stringSerde, value: stringSerde };
const order = jsonSerde<Order>();
const builder = new StreamsBuilder({ stores: storeSuppliers });

const customers = builder.table('customers', text);
const currencies = builder.globalTable('currencies', text);
const payments = builder.stream('payments', text);
builder
  .stream('orders', { key: stringSerde, value: order })
  .join(
    currencies,
    (_customer, { shop }) => shop,
    ({ id, amount }, currency) => ({ id, text: `${amount} ${currency}` }),
  )
  .leftJoin(customers, (bill, name) => ({ ...bill, text: `${bill.text} by ${name ?? 'somebody'}` }))
  // Payments are by order: so the orders go through a repartition topic, which is named after the join.
  .map((_customer, { id, text: bill }) => [id, bill])
  .leftJoin(
    payments,
    (bill, paid) => `${bill}: ${paid ?? 'not paid'}`,
    JoinWindows.ofTimeDifferenceAndGrace(1_000, 0).before(0),
    { ...text, otherValue: stringSerde, name: 'bills-payments', as: 'bills-payments' },
  )
  .to('bills', text);

const driver = await TopologyTestDriver.start({ topology: builder.build(), stateFactory: new MemoryBackendFactory() });
await driver.inputTopic('currencies', stringSerde, stringSerde).pipe('berlin', 'EUR');
await driver.inputTopic('customers', stringSerde, stringSerde).pipe('c1', 'Ann');
const orders = driver.inputTopic('orders', stringSerde, order, { startTimeMs: 10_000 });
await orders.pipe('c1', { id: 'o1', shop: 'berlin', amount: 5 });
await orders.pipe('c2', { id: 'o2', shop: 'berlin', amount: 7 });
await driver.inputTopic('payments', stringSerde, stringSerde).pipe('o1', 'card', { timestampMs: 10_500 });
orders.advanceTime(5_000);
await orders.pipe('c1', { id: 'o3', shop: 'nowhere', amount: 1 });
await driver.inputTopic('payments', stringSerde, stringSerde).pipe('o9', 'cash', { timestampMs: 15_000 });
for (const [id, bill] of await driver.outputTopic('bills', stringSerde, stringSerde).readKeyValues()) {
  console.log(id, bill);
}
await driver.close();
// → o1 5 EUR by Ann: card
// → o2 7 EUR by somebody: not paid
