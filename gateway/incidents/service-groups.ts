/**
 * The groups of services that depend on each other, from the declared dependencies.
 *
 * Invariant: it names a group as the incidents topology does: the first member in the order of code units.
 */
import type { ServiceDependencies } from '../../schemas/escalation-policy.ts';

export const groupOf = (declared: Iterable<ServiceDependencies>, service: string): string => {
  const links = new Map<string, string[]>();
  const link = (from: string, to: string): void => void links.set(from, [...(links.get(from) ?? []), to]);
  for (const { service: dependent, dependsOn } of declared) {
    for (const name of dependsOn) {
      link(dependent, name);
      link(name, dependent);
    }
  }
  const members = new Set([service]);
  for (const member of members) for (const next of links.get(member) ?? []) members.add(next);
  return [...members].reduce((first, member) => (member < first ? member : first), service);
};
