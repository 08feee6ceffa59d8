/**
 * The declared dependencies between services, as a graph behind the global table.
 *
 * Invariant: each service's entry has both directions, so that a question costs no more than the group of services it is about,
 * and answers follow the table at once.
 */

/** What the table holds of a service. */
export interface ServiceLinks {
  /** As declared; null while only others have named it. */
  readonly dependsOn: readonly string[] | null;
  readonly dependents: readonly string[];
}

export interface LinkTable {
  get(service: string): ServiceLinks | undefined;
}

type Neighbours = (links: ServiceLinks) => readonly string[];

const forward: Neighbours = ({ dependsOn }) => dependsOn ?? [];
const backward: Neighbours = ({ dependents }) => dependents;
const both: Neighbours = (links) => [...forward(links), ...backward(links)];

/** A group of more services than this is cut: no single incident is about so many. */
const MAX_VISITED = 2_000;

const reach = (table: LinkTable, from: string, neighbours: Neighbours): ReadonlySet<string> => {
  const seen = new Set([from]);
  for (const service of seen) {
    const links = table.get(service);
    if (links === undefined) continue;
    for (const next of neighbours(links)) if (seen.size < MAX_VISITED) seen.add(next);
  }
  return seen;
};

export class ServiceGraph {
  readonly #table: LinkTable;

  constructor(table: LinkTable) {
    this.#table = table;
  }

  /** Names the group of all services that are linked with this one: its first member in the order of code units. */
  groupOf(service: string): string {
    if (this.#table.get(service) === undefined) return service;
    let first = service;
    for (const member of reach(this.#table, service, both)) if (member < first) first = member;
    return first;
  }

  /** Whether one depends on the other, directly or through others. */
  areRelated(a: string, b: string): boolean {
    return a !== b && (reach(this.#table, a, forward).has(b) || reach(this.#table, b, forward).has(a));
  }
}

/** What changes in the table when a service declares its dependencies, or no longer does (null). */
export const relink = (
  table: LinkTable,
  service: string,
  dependsOn: readonly string[] | null,
): ReadonlyMap<string, ServiceLinks | undefined> => {
  const changes = new Map<string, ServiceLinks | undefined>();
  const linksOf = (name: string): ServiceLinks =>
    (changes.has(name) ? changes.get(name) : table.get(name)) ?? { dependsOn: null, dependents: [] };
  const put = (name: string, links: ServiceLinks): void => {
    const isEmpty = links.dependsOn === null && links.dependents.length === 0;
    changes.set(name, isEmpty ? undefined : links);
  };
  const former = linksOf(service).dependsOn ?? [];
  const wanted = dependsOn === null ? null : [...new Set(dependsOn)].filter((name) => name !== service).sort();
  put(service, { ...linksOf(service), dependsOn: wanted });
  for (const name of former) {
    if (wanted?.includes(name) === true) continue;
    const links = linksOf(name);
    put(name, { ...links, dependents: links.dependents.filter((dependent) => dependent !== service) });
  }
  for (const name of wanted ?? []) {
    const links = linksOf(name);
    if (!links.dependents.includes(service)) put(name, { ...links, dependents: [...links.dependents, service].sort() });
  }
  return changes;
};
