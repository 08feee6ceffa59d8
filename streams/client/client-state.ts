/**
 * The state of a client, made out of the states of its threads.
 *
 * Invariant: only the transitions of the table happen, and the listener hears of each once, in order. A client that has ended stays
 * so.
 */
import type { StreamThreadState } from '../thread-options.ts';

/** As Kafka Streams names them. */
export type KafkaStreamsState =
  'CREATED' | 'REBALANCING' | 'RUNNING' | 'PENDING_SHUTDOWN' | 'NOT_RUNNING' | 'PENDING_ERROR' | 'ERROR';

export type StateListener = (newState: KafkaStreamsState, oldState: KafkaStreamsState) => void;

const NEXT: Readonly<Record<KafkaStreamsState, readonly KafkaStreamsState[]>> = {
  CREATED: ['REBALANCING', 'PENDING_SHUTDOWN'],
  REBALANCING: ['RUNNING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  RUNNING: ['REBALANCING', 'PENDING_SHUTDOWN', 'PENDING_ERROR'],
  PENDING_SHUTDOWN: ['NOT_RUNNING'],
  NOT_RUNNING: [],
  PENDING_ERROR: ['ERROR'],
  ERROR: [],
};

export class ClientState {
  #state: KafkaStreamsState = 'CREATED';
  #listener: StateListener | undefined;

  get current(): KafkaStreamsState {
    return this.#state;
  }

  /** True from the moment it is told to end. */
  get ending(): boolean {
    return !['CREATED', 'REBALANCING', 'RUNNING'].includes(this.#state);
  }

  listen(listener: StateListener | undefined): void {
    this.#listener = listener;
  }

  /** False where the table has no such transition; then nothing happens. */
  enter(next: KafkaStreamsState): boolean {
    const former = this.#state;
    if (!NEXT[former].includes(next)) return false;
    this.#state = next;
    this.#listener?.(next, former);
    return true;
  }

  /** The state as the threads that live have it. Without any it stays: somebody else decides what that means. */
  follow(threads: readonly StreamThreadState[]): void {
    const alive = threads.filter((state) => state !== 'dead' && state !== 'pending-shutdown');
    if (this.ending || alive.length === 0) return;
    this.enter(alive.every((state) => state === 'running') ? 'RUNNING' : 'REBALANCING');
  }
}
