/**
 * Carries out what people ask of driver alerts and answers each command, beside the processor that takes the alerts in.
 *
 * Invariant: the answer to a command, the event it made and the state it left are in one transaction. This class decides
 * nothing: `decide-alert-command.ts` does.
 */
import { ALERT_COMMAND_TYPES, type AlertCommand } from '../schemas/alert-command.ts';
import type { CommandResult } from '../schemas/command-result.ts';
import { ProcessingError } from '../streams/errors.ts';
import type { Processor, ProcessorContext } from '../streams/processor.ts';
import type { Record } from '../streams/record.ts';
import type { DueKeyValueStore } from '../streams/state-store.ts';
import type { AlertState, LivingAlert } from './alert-state.ts';
import { decideAlertCommand } from './decide-alert-command.ts';
import { ALERTS_STORE } from './store-names.ts';

/** The outputs that the topology declares under these names. */
export const COMMAND_EVENTS_OUTPUT = 'alert-command-events-sink';
export const COMMAND_RESULTS_OUTPUT = 'alert-command-results-sink';

export class AlertCommandProcessor implements Processor<string, AlertCommand, string, unknown> {
  // Set by `init`, which the engine calls before anything else.
  #context!: ProcessorContext<string, unknown>;
  #alerts!: DueKeyValueStore<string, AlertState>;

  init(context: ProcessorContext<string, unknown>): void {
    this.#context = context;
    this.#alerts = context.getStateStore(ALERTS_STORE);
  }

  prefetch(records: readonly Record<string, AlertCommand>[]): void {
    this.#alerts.prefetch(records.map(({ value }) => value.alertId));
  }

  process({ value: command, timestampMs }: Record<string, AlertCommand>): void {
    const { alertId, commandType, commandId, driverId } = command;
    if (!ALERT_COMMAND_TYPES.includes(commandType)) {
      const allowed = ALERT_COMMAND_TYPES.join(', ');
      throw new ProcessingError('INVALID_COMMAND', `There is no command ${commandType}; allowed is one of ${allowed}.`);
    }
    const { outcome, code, message, details, alert, event } = decideAlertCommand(command, this.#alerts.get(alertId));
    if (event !== undefined && alert !== undefined) {
      this.#alerts.put(alertId, alert);
      this.#context.forward({ key: driverId, value: event, timestampMs: event.timestamp }, COMMAND_EVENTS_OUTPUT);
    }
    const result: CommandResult = {
      ...{ commandId, outcome, code, message },
      subjectId: alertId,
      details: JSON.stringify(details),
      subject: alert === undefined ? null : subjectOf(alertId, alert),
    };
    this.#context.forward({ key: alertId, value: result, timestampMs }, COMMAND_RESULTS_OUTPUT);
    this.#context.metrics.counter('alert_commands', { command: commandType, outcome }).add(1);
  }
}

const subjectOf = (alertId: string, alert: LivingAlert): string => {
  const { driverId, sourceType, severity, status, sequence } = alert;
  return JSON.stringify({ alertId, driverId, sourceType, severity, status, sequence });
};
