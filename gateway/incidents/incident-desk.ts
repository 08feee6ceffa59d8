/**
 * What can be asked of incidents, as commands on the log.
 *
 * Invariant: a command goes to the partition that its incident's id names, which is where the incident is kept. The same
 * Idempotency-Key means the same incident id, kept before anything is sent, so a repeated request never opens a second incident.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../connectors/log.ts';
import { partitionForKey } from '../../connectors/log.ts';
import type { IncidentCommand } from '../../schemas/incident-command.ts';
import { incidentIdOf, partitionOfIncident } from '../../schemas/incident-id.ts';
import type { Incident } from '../../schemas/incident.ts';
import { type RandomBytes, uuidV7 } from '../alerts/uuid-v7.ts';
import type { CommandDesk } from '../commands/command-desk.ts';
import { ApiError, unavailable } from '../http/api-error.ts';
import type { BeginResult, IdempotencyStore } from '../idempotency/idempotency.ts';

export type CommandFields = Partial<Omit<IncidentCommand, 'commandId' | 'commandType' | 'incidentId' | 'timestamp'>>;

export interface IncidentDeskOptions {
  readonly desk: CommandDesk<IncidentCommand>;
  readonly idempotencyStore: IdempotencyStore;
  /** The group of services that alerts of this one are brought together in. */
  readonly groupOf: (service: string) => Promise<string>;
  /** Hears of every incident that a command was answered with. */
  readonly answered: (incident: Incident) => void;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

export interface CreateRequest {
  /** Whose key it is: two clients may use the same one. */
  readonly client: string;
  readonly key: string | undefined;
  readonly body: Uint8Array;
  readonly fields: CommandFields;
}

export interface Created {
  readonly incidentId: string;
  /** The incident after the command; undefined where an earlier request had opened it. */
  readonly incident: Incident | undefined;
  readonly isNew: boolean;
}

const NO_FIELDS = {
  ...{ status: null, expectedVersion: null, title: null, description: null, severity: null, service: null },
  ...{ assignee: null, text: null, actor: null },
} as const;

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

export const incidentNotFound = (): ApiError =>
  new ApiError(404, 'INCIDENT_NOT_FOUND', 'There is no incident with this id.');

export class IncidentDesk {
  readonly #options: IncidentDeskOptions;

  constructor(options: IncidentDeskOptions) {
    this.#options = options;
  }

  /** Rejects with an `ApiError`: 409 for a key in other use, 503 where nothing is certain. */
  async create(request: CreateRequest): Promise<Created> {
    const incidentId = await this.#newId(request.fields.service ?? null);
    if (request.key === undefined) return this.#create(incidentId, request.fields);
    const begun = await this.#begin(request, incidentId);
    switch (begun.kind) {
      case 'other-body':
        throw new ApiError(409, 'IDEMPOTENCY_KEY_CONFLICT', 'This Idempotency-Key was used with another body.');
      case 'in-progress':
        throw new ApiError(409, 'IDEMPOTENCY_KEY_IN_PROGRESS', 'The first request with this key is not answered yet.', {
          retryAfterSeconds: 1,
        });
      case 'answered':
        return { incidentId: begun.answer.alertId, incident: undefined, isNew: false };
      case 'claimed':
        return this.#createClaimed(begun.claim, request.fields);
    }
  }

  /** Carries a command on an existing incident out; the incident afterwards. Rejects with an `ApiError`. */
  async change(
    incidentId: string,
    commandType: Exclude<IncidentCommand['commandType'], 'CREATE'>,
    fields: CommandFields,
  ): Promise<Incident> {
    return (await this.#send(incidentId, commandType, fields)).incident;
  }

  /** What must have been processed for a read of the incident to show the commands that were answered here. */
  seenOf(incidentId: string): Readonly<Record<string, number>> {
    const partition = partitionOfIncident(incidentId);
    return partition === undefined ? {} : this.#options.desk.seenOf(partition);
  }

  async #begin({ client, key, body }: CreateRequest, incidentId: string): Promise<BeginResult> {
    const keyHash = sha256('incidents\n', client, '\n', key ?? '');
    try {
      return await this.#options.idempotencyStore.begin({ keyHash, bodyHash: sha256(body), alertId: incidentId });
    } catch (cause) {
      const message = 'Idempotency keys cannot be checked at the moment; nothing was sent.';
      throw unavailable('IDEMPOTENCY_UNAVAILABLE', message, 2, { cause });
    }
  }

  async #createClaimed(
    claim: Extract<BeginResult, { kind: 'claimed' }>['claim'],
    fields: CommandFields,
  ): Promise<Created> {
    const { idempotencyStore } = this.#options;
    try {
      const created = await this.#create(claim.alertId, fields);
      await idempotencyStore.complete(claim, 'CREATED');
      return created;
    } catch (error) {
      await idempotencyStore.release(claim);
      throw error;
    }
  }

  async #create(incidentId: string, fields: CommandFields): Promise<Created> {
    const { incident, outcome } = await this.#send(incidentId, 'CREATE', fields);
    return { incidentId, incident, isNew: outcome === 'APPLIED' };
  }

  async #send(
    incidentId: string,
    commandType: IncidentCommand['commandType'],
    fields: CommandFields,
  ): Promise<{ readonly incident: Incident; readonly outcome: string }> {
    const { desk, clock, random } = this.#options;
    const partition = partitionOfIncident(incidentId);
    if (partition === undefined || (desk.partitions > 0 && partition >= desk.partitions)) throw incidentNotFound();
    const nowMs = clock.now();
    const command: IncidentCommand = {
      ...NO_FIELDS,
      ...fields,
      commandId: uuidV7(nowMs, random),
      commandType,
      incidentId,
      timestamp: nowMs,
    };
    const { outcome, subject } = await desk.carryOut(command, { key: incidentId, partition });
    if (subject === null) throw incidentNotFound();
    const incident = JSON.parse(subject) as Incident;
    this.#options.answered(incident);
    return { incident, outcome };
  }

  async #newId(service: string | null): Promise<string> {
    const { desk, clock, random, groupOf } = this.#options;
    const bytes = Buffer.from(random(new Uint8Array(8)));
    const key = service === null ? bytes : Buffer.from(await groupOf(service));
    const partition = partitionForKey(key, Math.max(1, desk.partitions));
    const bits = { high: bytes.readUInt16BE(0) & 0xfff, low: bytes.readUIntBE(2, 6) };
    return incidentIdOf(clock.now(), partition, bits);
  }
}
