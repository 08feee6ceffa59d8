/**
 * Takes what is due from the queue and delivers it.
 *
 * Invariant [INV-NOTIFY-DELIVERED]: a notification is settled only after the channel took it or the attempt failed, so it is delivered
 * at least once; repeats carry the same id. No more than `maxInFlight` are in hand at once, and each attempt ends well before its
 * claim does.
 */
import type { Clock, Logger, Measurement, Metrics } from '../connectors/log.ts';
import { recoveryOf } from '../connectors/log.ts';
import type { Senders } from '../connectors/notifications/senders.ts';
import type { NotificationChannel } from '../schemas/notification.ts';
import { ChannelGuard, type GuardOptions } from './channel-guard.ts';
import type { BreakerState, ChannelStore } from './channel-store.ts';
import { afterFailure, afterSuccess, type RetryPolicy } from './delivery.ts';
import { attempt, chainOf, MAX_CHAIN } from './fallback-chain.ts';
import type { NotificationStore, QueuedNotification, Settlement } from './notification-store.ts';

export interface DispatcherPorts {
  readonly channels: ChannelStore;
  readonly queue: NotificationStore;
  readonly senders: Senders;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** A text of 36 characters that was never there before. */
  readonly newClaim: () => string;
}

export interface DispatcherOptions {
  readonly guard: GuardOptions;
  readonly retry: RetryPolicy;
  /** Between looks at the queue while nothing wakes it up. */
  readonly pollIntervalMs: number;
  readonly maxInFlight: number;
  /** How long those that ended stay known. */
  readonly keepMs: number;
}

/** For the database, and for clocks of notifiers that differ. */
const MARGIN_MS = 5_000;
/** Where something was due, more of it may be due shortly: what a busy channel did not take comes back at different times. */
const BUSY_INTERVAL_MS = 20;
const AFTER_OUTAGE_MS = 250;
const SETTLE_TRIES = 5;
const PRUNE_INTERVAL_MS = 60_000;
const PRUNED_AT_ONCE = 1_000;

interface Guarded {
  readonly guard: ChannelGuard;
  readonly type: NotificationChannel['type'];
}

export class Dispatcher {
  readonly #ports: DispatcherPorts;
  readonly #options: DispatcherOptions;
  readonly #guards = new Map<string, Guarded>();
  readonly #inFlight = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #wake = new AbortController();
  #failure: { readonly error: unknown } | undefined;
  #nextPruneMs = 0;
  /** Resolves when every change of a circuit so far is stored. */
  #told: Promise<void> = Promise.resolve();

  constructor(ports: DispatcherPorts, options: DispatcherOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Something new is in the queue. */
  wake(): void {
    this.#wake.abort();
  }

  /** Lets what is in hand end; `run` resolves then. */
  stop(): void {
    this.#stopping.abort();
    this.wake();
  }

  /** Runs until `stop`. Rejects with the first error that waiting does not help. */
  async run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (this.#failure !== undefined) throw this.#failure.error;
      try {
        await this.#step();
      } catch (error) {
        if (recoveryOf(error) !== 'retry') throw error;
        this.#ports.logger.warn('the queue of notifications cannot be reached', { reason: String(error) });
        await this.#ports.clock.sleep(AFTER_OUTAGE_MS, this.#stopping.signal);
      }
    }
    await Promise.all(this.#inFlight);
    await this.#told;
  }

  /** Channels whose circuit is not closed, by type. */
  measurements(): readonly Measurement[] {
    const types = Object.keys(this.#ports.senders);
    const broken = [...this.#guards.values()].filter(({ guard }) => guard.state !== 'closed');
    return types.map((type) => {
      const value = broken.filter((guarded) => guarded.type === type).length;
      return { name: 'notification_circuits_open', labels: { type }, value };
    });
  }

  async #step(): Promise<void> {
    this.#wake = new AbortController();
    const free = this.#options.maxInFlight - this.#inFlight.size;
    const taken = free > 0 ? await this.#take(free) : 0;
    await this.#prune();
    if (taken > 0 && taken === free) return;
    const { pollIntervalMs } = this.#options;
    await this.#ports.clock.sleep(
      taken > 0 ? Math.min(BUSY_INTERVAL_MS, pollIntervalMs) : pollIntervalMs,
      this.#wake.signal,
    );
  }

  async #take(limit: number): Promise<number> {
    const { queue, channels, clock, newClaim } = this.#ports;
    const claim = newClaim();
    // On each channel it may wait for a place as long as another send takes, and then take as long.
    const leaseMs = 2 * MAX_CHAIN * this.#options.guard.timeoutMs + MARGIN_MS;
    const claimed = await queue.claim(claim, limit, clock.now(), leaseMs);
    if (claimed.length === 0) return 0;
    const known = new Map((await channels.list()).map((channel) => [channel.id, channel]));
    for (const id of this.#guards.keys()) if (!known.has(id)) this.#guards.delete(id);
    for (const notification of claimed) this.#start(notification, claim, known);
    return claimed.length;
  }

  #start(notification: QueuedNotification, claim: string, channels: ReadonlyMap<string, NotificationChannel>): void {
    const delivery = this.#deliver(notification, claim, channels)
      .catch((error: unknown) => {
        // Not settled: the claim runs out, and it is tried again.
        if (recoveryOf(error) === 'retry') return;
        this.#failure ??= { error };
      })
      .finally(() => {
        this.#inFlight.delete(delivery);
        if (this.#inFlight.size + 1 >= this.#options.maxInFlight) this.wake();
      });
    this.#inFlight.add(delivery);
  }

  async #deliver(
    notification: QueuedNotification,
    claim: string,
    channels: ReadonlyMap<string, NotificationChannel>,
  ): Promise<void> {
    const { clock, senders, metrics, random } = this.#ports;
    const told = { ...notification.content, id: notification.id };
    const { deliveredBy, failure } = await attempt(chainOf(notification.channelId, channels), (channel) =>
      this.#guardOf(channel).guard.send((signal) => senders[channel.type](channel, told, signal)),
    );
    const nowMs = clock.now();
    const state =
      deliveredBy === undefined
        ? afterFailure(notification, failure.kind, this.#options.retry, { nowMs, random: random() })
        : afterSuccess(notification);
    const settlement: Settlement = { state, deliveredBy: deliveredBy ?? null, error: failure?.reason ?? null };
    await this.#settle(notification.id, claim, settlement, nowMs);
    if (failure?.kind !== 'held' || deliveredBy !== undefined) {
      const status = deliveredBy === undefined ? 'failure' : 'success';
      metrics.counter('notifications_sent_total', { status }).add(1);
    }
    if (deliveredBy !== undefined) {
      metrics.histogram('notification_delivery_ms').record(Math.max(nowMs - notification.createdAtMs, 0));
      metrics.histogram('notification_since_event_ms').record(Math.max(nowMs - notification.eventAtMs, 0));
    }
    if (state.status === 'DEAD') this.#reportDead(notification, state.attempts, failure?.reason);
  }

  /** What is not settled is delivered again, so a passing fault of the database is worth a few tries. */
  async #settle(id: string, claim: string, settlement: Settlement, nowMs: number): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#ports.queue.settle(id, claim, settlement, nowMs);
        return;
      } catch (error) {
        if (recoveryOf(error) !== 'retry' || tries === SETTLE_TRIES) throw error;
        await this.#ports.clock.sleep(AFTER_OUTAGE_MS);
      }
    }
  }

  #reportDead({ id, channelId }: QueuedNotification, attempts: number, reason: string | undefined): void {
    this.#ports.metrics.counter('notifications_dead_total').add(1);
    const fields = { notificationId: id, channelId, attempts, reason };
    this.#ports.logger.error('a notification was given up; it can be sent again through the API', fields);
  }

  #guardOf({ id, name, type }: NotificationChannel): Guarded {
    const known = this.#guards.get(id);
    if (known !== undefined) return known;
    const guard = new ChannelGuard(this.#options.guard, (state) => {
      this.#ports.logger.warn('the circuit of a channel changed', { channelId: id, name, state });
      this.#tellBreaker(id, guard);
    });
    const guarded = { guard, type };
    this.#guards.set(id, guarded);
    this.#tellBreaker(id, guard);
    return guarded;
  }

  /** One after the other, and each what holds by then, so that the last one stored is the last one there was. */
  #tellBreaker(id: string, guard: ChannelGuard): void {
    this.#told = this.#told.then(() => this.#storeBreaker(id, guard.state));
  }

  /** For those who look at it; nothing depends on it. */
  async #storeBreaker(id: string, state: BreakerState): Promise<void> {
    try {
      await this.#ports.channels.setBreaker(id, state, this.#ports.clock.now());
    } catch (error) {
      this.#ports.logger.warn('the state of a circuit could not be stored', { channelId: id, reason: String(error) });
    }
  }

  async #prune(): Promise<void> {
    const nowMs = this.#ports.clock.now();
    if (nowMs < this.#nextPruneMs) return;
    const pruned = await this.#ports.queue.prune(nowMs - this.#options.keepMs, PRUNED_AT_ONCE);
    // A full stretch means that there is more.
    this.#nextPruneMs = pruned === PRUNED_AT_ONCE ? nowMs : nowMs + PRUNE_INTERVAL_MS;
  }
}
