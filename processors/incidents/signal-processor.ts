/**
 * Takes alerts to the incident they belong to.
 *
 * A signal arrives at the place of its service. Who decides on a fingerprint is the place of the group that the service belonged to
 * when its incident was opened; places that gave the right away know to whom and send signals after it. The right is given on
 * only when an incident is to be opened or reopened, to the group of the day.
 *
 * Invariant: for each fingerprint there is one place at a time that decides, so two incidents of one fingerprint are never active at
 * once, whatever is declared about services meanwhile. This class decides nothing else: `decide-signal.ts` does.
 */
import type { EscalationPolicy } from '../../schemas/escalation-policy.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import { correlate } from './correlation.ts';
import { decideDue } from './decide-due.ts';
import { join, judge, open, reopen, update } from './decide-signal.ts';
import type { IncidentState } from './incident-state.ts';
import { type FingerprintKey, IncidentStores } from './incident-stores.ts';
import { ServiceGraph, type ServiceLinks } from './service-graph.ts';
import { openedIncidentId, type RoutedSignal, type Signal } from './signal.ts';
import { INCIDENT_SIGNALS_OUTPUT, INCIDENTS_STORE, POLICIES_STORE, SERVICES_STORE } from './store-names.ts';

/** Two threads may see a change of the dependencies at different moments; until both have, the right is not passed round for ever. */
const MAX_TAKE_OVERS = 8;

export interface SignalSettings {
  /** How far apart in time alerts of one incident may be; 0: alerts are not brought together. In milliseconds. */
  readonly correlationWindowMs: number;
}

export class SignalProcessor implements Processor<string, RoutedSignal, string, unknown> {
  readonly #settings: SignalSettings;
  // Set by `init`, which the engine calls before anything else.
  #context!: ProcessorContext<string, unknown>;
  #stores!: IncidentStores;
  #graph!: ServiceGraph;
  #policies!: KeyValueStore<string, EscalationPolicy>;

  constructor(settings: SignalSettings) {
    this.#settings = settings;
  }

  init(context: ProcessorContext<string, unknown>): void {
    this.#context = context;
    this.#stores = new IncidentStores(context);
    this.#graph = new ServiceGraph(context.getStateStore<KeyValueStore<string, ServiceLinks>>(SERVICES_STORE));
    this.#policies = context.getStateStore(POLICIES_STORE);
    context.onDue<string, IncidentState>(INCIDENTS_STORE, (_id, state) => this.#due(state));
  }

  /** The key is the place. */
  process({ key: place, value: routed, timestampMs }: Record<string, RoutedSignal>): void {
    const { signal, takesOver, hops } = routed;
    const at: FingerprintKey = [place, signal.fingerprint];
    const entry = takesOver ? undefined : this.#stores.fingerprint(at);
    if (entry?.kind === 'elsewhere') {
      this.#sendOn(entry.place, { ...routed, hops: hops + 1 }, timestampMs);
      return;
    }
    const state = entry === undefined ? undefined : this.#stores.get(entry.incidentId);
    const verdict = judge(signal, state?.incident);
    const group = this.#groupOf(signal);
    if (state !== undefined && verdict === 'update') this.#stores.apply(update(state, signal));
    else if (verdict !== 'quiet' && group !== place && hops < MAX_TAKE_OVERS) {
      this.#giveAway(at, group, state);
      this.#sendOn(group, { signal, takesOver: true, hops: hops + 1 }, timestampMs);
      return;
    } else if (state !== undefined && verdict === 'reopen') {
      this.#stores.apply(reopen(state, signal, this.#inForce()));
    } else if (verdict === 'open') this.#open(at, signal);
    this.#context.metrics.counter('incident_alerts', { source: signal.source, outcome: verdict }).add(1);
  }

  /** The incident that was resolved here is no longer the fingerprint's, also when another one reopens it. */
  #giveAway(at: FingerprintKey, place: string, state: IncidentState | undefined): void {
    this.#stores.setFingerprint(at, { kind: 'elsewhere', place });
    if (state === undefined) return;
    const { incident } = state;
    const fingerprints = incident.fingerprints.filter((fingerprint) => fingerprint !== at[1]);
    this.#stores.keep({ ...state, incident: { ...incident, fingerprints } });
  }

  #open(at: FingerprintKey, signal: Signal): void {
    const [place] = at;
    const areRelated = (a: string, b: string): boolean => this.#graph.areRelated(a, b);
    const active = this.#stores.activeAt(place);
    const correlation = correlate(signal, active, areRelated, this.#settings.correlationWindowMs);
    const joined = correlation && this.#stores.get(correlation.incident.id);
    const step =
      correlation === undefined || joined === undefined
        ? open(openedIncidentId(signal, this.#context.partition), place, signal, this.#inForce())
        : join(joined, signal, correlation);
    this.#stores.setFingerprint(at, { kind: 'here', incidentId: step.event.incidentId });
    this.#stores.apply(step);
  }

  #due(state: IncidentState): void {
    const decision = decideDue(state);
    switch (decision.kind) {
      case 'step':
        this.#stores.apply(decision.step);
        break;
      case 'stop':
        this.#stores.keep(decision.state);
        break;
      case 'forget':
        this.#stores.forget(state);
        break;
    }
  }

  /** A driver depends on nobody. */
  #groupOf({ source, service }: Signal): string {
    return source === 'driver-alert' ? service : this.#graph.groupOf(service);
  }

  *#inForce(): Iterable<EscalationPolicy> {
    for (const { value } of this.#policies.all()) yield value;
  }

  #sendOn(place: string, routed: RoutedSignal, timestampMs: number): void {
    this.#context.forward({ key: place, value: routed, timestampMs }, INCIDENT_SIGNALS_OUTPUT);
  }
}
