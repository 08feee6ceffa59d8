import fc from 'fast-check';
import { expect, test } from 'vitest';
import { groupOf } from '../../../gateway/incidents/service-groups.ts';
import { relink, ServiceGraph, type ServiceLinks } from '../../../processors/incidents/service-graph.ts';

const service = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
const declaration = fc.record({
  service,
  dependsOn: fc.option(fc.uniqueArray(service, { maxLength: 3 }), { nil: null }),
});

test('[INV-SERVICE-GROUPS] gateway and topology name the group of a service alike, whatever was declared and taken back before', () => {
  fc.assert(
    fc.property(fc.array(declaration, { maxLength: 20 }), (declarations) => {
      const links = new Map<string, ServiceLinks>();
      const declared = new Map<string, readonly string[]>();
      for (const { service: name, dependsOn } of declarations) {
        for (const [changed, entry] of relink(links, name, dependsOn)) {
          if (entry === undefined) links.delete(changed);
          else links.set(changed, entry);
        }
        if (dependsOn === null) declared.delete(name);
        else declared.set(name, dependsOn);
      }
      const graph = new ServiceGraph(links);
      const all = [...declared].map(([name, dependsOn]) => ({ service: name, dependsOn }));
      for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) expect(groupOf(all, name)).toBe(graph.groupOf(name));
    }),
  );
});

test('a table of links holds no service that nobody names', () => {
  const links = new Map<string, ServiceLinks>();
  const declare = (name: string, dependsOn: readonly string[] | null): void => {
    for (const [changed, entry] of relink(links, name, dependsOn)) {
      if (entry === undefined) links.delete(changed);
      else links.set(changed, entry);
    }
  };
  declare('web', ['orders', 'web', 'search', 'orders']);
  expect(links.get('web')).toEqual({ dependsOn: ['orders', 'search'], dependents: [] });
  declare('web', ['search']);
  expect([...links.keys()]).toEqual(['web', 'search']);
  declare('web', null);
  expect(links.size).toBe(0);
});
