/**
 * Carries out what people ask of incidents and answers each command.
 *
 * Invariant: the answer to a command, the event it made and the state it left are in one transaction. This class decides
 * nothing: `decide-command.ts` does.
 */
import type { EscalationPolicy } from '../../schemas/escalation-policy.ts';
import type { CommandResult } from '../../schemas/command-result.ts';
import { INCIDENT_COMMAND_TYPES, type IncidentCommand } from '../../schemas/incident-command.ts';
import { partitionOfIncident } from '../../schemas/incident-id.ts';
import { ProcessingError } from '../../streams/errors.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import type { KeyValueStore } from '../../streams/state-store.ts';
import { decideCommand, type CommandDecision } from './decide-command.ts';
import { IncidentStores } from './incident-stores.ts';
import { ServiceGraph, type ServiceLinks } from './service-graph.ts';
import { INCIDENT_RESULTS_OUTPUT, POLICIES_STORE, SERVICES_STORE } from './store-names.ts';

export interface CommandSettings {
  /** How long a resolved incident is kept here, in milliseconds. */
  readonly keepResolvedMs: number;
}

export class CommandProcessor implements Processor<string, IncidentCommand, string, unknown> {
  readonly #settings: CommandSettings;
  // Set by `init`, which the engine calls before anything else.
  #context!: ProcessorContext<string, unknown>;
  #stores!: IncidentStores;
  #graph!: ServiceGraph;
  #policies!: KeyValueStore<string, EscalationPolicy>;

  constructor(settings: CommandSettings) {
    this.#settings = settings;
  }

  init(context: ProcessorContext<string, unknown>): void {
    this.#context = context;
    this.#stores = new IncidentStores(context);
    this.#graph = new ServiceGraph(context.getStateStore<KeyValueStore<string, ServiceLinks>>(SERVICES_STORE));
    this.#policies = context.getStateStore(POLICIES_STORE);
  }

  process({ value: command, timestampMs }: Record<string, IncidentCommand>): void {
    this.#check(command);
    const decision = decideCommand(command, this.#stores.get(command.incidentId), {
      policies: [...this.#policies.all()].map(({ value }) => value),
      placeOf: (service) => this.#graph.groupOf(service),
      keepResolvedMs: this.#settings.keepResolvedMs,
    });
    if (decision.step !== undefined) this.#stores.apply(decision.step);
    const result = this.#result(command, decision);
    this.#context.forward({ key: result.subjectId, value: result, timestampMs }, INCIDENT_RESULTS_OUTPUT);
    const labels = { command: command.commandType, outcome: decision.outcome };
    this.#context.metrics.counter('incident_commands', labels).add(1);
  }

  /** What no gateway sends, and nobody waits for an answer to. */
  #check({ incidentId, commandType }: IncidentCommand): void {
    const { partition } = this.#context;
    if (!INCIDENT_COMMAND_TYPES.includes(commandType)) {
      const allowed = INCIDENT_COMMAND_TYPES.join(', ');
      throw new ProcessingError('INVALID_COMMAND', `There is no command ${commandType}; allowed is one of ${allowed}.`);
    }
    if (partitionOfIncident(incidentId) !== partition) {
      throw new ProcessingError(
        'WRONG_PARTITION',
        `The command on incident ${incidentId} is in partition ${partition}; send it to the one that the id names.`,
      );
    }
  }

  #result({ commandId, incidentId }: IncidentCommand, decision: CommandDecision): CommandResult {
    const incident = this.#stores.get(incidentId)?.incident;
    return {
      commandId,
      subjectId: incidentId,
      outcome: decision.outcome,
      code: decision.code,
      message: decision.message,
      details: JSON.stringify(decision.details),
      subject: incident === undefined ? null : JSON.stringify(incident),
    };
  }
}
