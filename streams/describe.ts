/**
 * A topology in words, in the form that Kafka Streams users know from `TopologyDescription`.
 */
import type { BuiltTopology, GlobalStoreNode, SubTopology, TopologyNode } from './topology.ts';

/** Text with one block per sub-topology; the same topology always gives the same text. */
export function describeTopology({ subTopologies, globalStores }: BuiltTopology): string {
  const lines = ['Topologies:'];
  for (const subTopology of subTopologies) lines.push(...describeSubTopology(subTopology));
  globalStores.forEach((store, index) => lines.push(...describeGlobalStore(store, subTopologies.length + index)));
  return `${lines.join('\n')}\n`;
}

function describeSubTopology({ id, nodes }: SubTopology): string[] {
  const lines = [`   Sub-topology: ${id}`];
  for (const node of nodes) {
    const children = nodes.filter((other) => other.kind !== 'source' && other.parents.includes(node.name));
    lines.push(`    ${headline(node)}`);
    if (node.kind !== 'sink') lines.push(`      --> ${children.map(({ name }) => name).join(', ') || 'none'}`);
    if (node.kind !== 'source') lines.push(`      <-- ${node.parents.join(', ')}`);
  }
  return lines;
}

function headline(node: TopologyNode): string {
  switch (node.kind) {
    case 'source':
      return `Source: ${node.name} (topics: [${node.topics.join(', ')}])`;
    case 'processor':
      return `Processor: ${node.name} (stores: [${[...node.stores].sort().join(', ')}])`;
    case 'sink':
      return `Sink: ${node.name} (topic: ${node.topic})`;
  }
}

function describeGlobalStore(store: GlobalStoreNode, id: number): string[] {
  return [
    `   Sub-topology: ${id} for global store (will not generate tasks)`,
    `    Source: ${store.source} (topics: [${store.topic}])`,
    `      --> ${store.processor}`,
    `    Processor: ${store.processor} (stores: [${store.store.name}])`,
    `      --> none`,
    `      <-- ${store.source}`,
  ];
}

/** A Mermaid flowchart of the same. */
export function mermaidTopology({ subTopologies, globalStores }: BuiltTopology): string {
  const lines = ['flowchart LR'];
  for (const { id, nodes } of subTopologies) {
    lines.push(`  subgraph sub${id}["Sub-topology ${id}"]`);
    for (const node of nodes) lines.push(...mermaidNode(node));
    lines.push('  end');
  }
  for (const { topic, store } of globalStores)
    lines.push(`  T_${id(topic)}>"${topic}"] --> S_${id(store.name)}[("${store.name}")]`);
  return `${lines.join('\n')}\n`;
}

/** Mermaid takes letters, digits and underscores; different names have different ids. */
const id = (name: string): string =>
  name.replaceAll(/[^A-Za-z0-9]/g, (other) => `_${other.charCodeAt(0).toString(16)}_`);

function mermaidNode(node: TopologyNode): string[] {
  const self = `N_${id(node.name)}`;
  switch (node.kind) {
    case 'source':
      return [
        `    ${self}(["${node.name}"])`,
        ...node.topics.map((topic) => `    T_${id(topic)}>"${topic}"] --> ${self}`),
      ];
    case 'processor':
      return [
        `    ${self}["${node.name}"]`,
        ...node.parents.map((parent) => `    N_${id(parent)} --> ${self}`),
        ...node.stores.map((store) => `    ${self} <--> S_${id(store)}[("${store}")]`),
      ];
    case 'sink':
      return [
        ...node.parents.map((parent) => `    N_${id(parent)} --> ${self}(["${node.name}"])`),
        `    ${self} --> T_${id(node.topic)}>"${node.topic}"]`,
      ];
  }
}
