/** What a topology looks like, and the names of its topics: those that are given stay as they are when the topology changes. */
import { storeSuppliers } from '../../state/index.ts';
import { describeTopology, mermaidTopology, StreamsBuilder, stringSerde } from '../../streams/index.ts';

const text = { key: stringSerde, value: stringSerde };
const builder = new StreamsBuilder({ stores: storeSuppliers });
builder
  .stream('rides', { ...text, name: 'rides' })
  .groupBy((_id, city) => city, { ...text, name: 'by-city' })
  .count({ as: 'rides-per-city', name: 'count' });
const topology = builder.build().build('fleet');
console.log(describeTopology(topology).trimEnd());
console.log(mermaidTopology(topology).split('\n')[0]);
console.log(topology.repartitionTopics.map(({ topic }) => topic).join());
// → Topologies:
// →    Sub-topology: 0
// →     Source: rides (topics: [rides])
// →       --> by-city
// →     Processor: by-city (stores: [])
// →       --> by-city-repartition-filter
// →       <-- rides
// →     Processor: by-city-repartition-filter (stores: [])
// →       --> by-city-repartition-sink
// →       <-- by-city
// →     Sink: by-city-repartition-sink (topic: fleet-by-city-repartition)
// →       <-- by-city-repartition-filter
// →    Sub-topology: 1
// →     Source: by-city-repartition-source (topics: [fleet-by-city-repartition])
// →       --> count
// →     Processor: count (stores: [rides-per-city])
// →       --> none
// →       <-- by-city-repartition-source
// → flowchart LR
// → fleet-by-city-repartition
