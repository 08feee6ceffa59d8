/**
 * What became of a command: the record on `incident-results` and `alert-command-results`, in the transaction that carries out
 * or refuses the command.
 *
 * Invariant: the same fields, in the same order, as command-result.avsc. There is one result for each command.
 */
import type { FieldTable } from './field-table.ts';

export const COMMAND_OUTCOMES = ['APPLIED', 'UNCHANGED', 'REFUSED'] as const;
export type CommandOutcome = (typeof COMMAND_OUTCOMES)[number];

export interface CommandResult {
  readonly commandId: string;
  /** The incident or alert it was about. */
  readonly subjectId: string;
  readonly outcome: CommandOutcome;
  /** Why, as a word: the reason of the step or of the refusal, such as `INVALID_STATUS_TRANSITION`. */
  readonly code: string;
  /** Why, as a sentence for people; only where it was refused. */
  readonly message: string | null;
  /** The text of a JSON object about a refusal, such as the statuses that are allowed. */
  readonly details: string;
  /** The text of the subject as a JSON object after the command; null where there is none. */
  readonly subject: string | null;
}

export const COMMAND_RESULT_FIELDS = {
  commandId: 'string',
  subjectId: 'string',
  outcome: 'string',
  code: 'string',
  message: 'string?',
  details: 'string:json',
  subject: 'string?',
} as const satisfies FieldTable<CommandResult>;
