/**
 * Alerts at a steady rate, some straight onto the topic and some through the gateway, whatever breaks meanwhile.
 *
 * What goes straight to the topic is sent once: whether it arrived is for the topic to say, and the auditor asks the topic. What
 * goes through the gateway is asked for again with the same Idempotency-Key until it is answered, and every answer is a promise
 * that the auditor holds the system to.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import { SEVERITIES } from '../../../schemas/vocabulary.ts';
import type { LogProducer } from '../../../streams/ports.ts';
import type { Serializer } from '../../../streams/serde.ts';
import type { Random } from './random.ts';

export interface LoadOptions {
  readonly topic: string;
  readonly producer: LogProducer;
  readonly serde: Serializer<RawAlert>;
  readonly random: Random;
  readonly alertsPerSecond: number;
  /** Undefined: everything goes straight to the topic. */
  readonly gatewayUrl?: string;
  /** Of these alerts, how many go through the gateway. */
  readonly throughGateway?: number;
  readonly drivers?: number;
  readonly sourceTypes?: readonly string[];
}

/** What the gateway promised about one alert. */
export interface Promised {
  readonly alertId: string;
  readonly status: string;
}

const TICK_MS = 100;
const MAX_WAITING_POSTS = 64;
const MAX_WAITING_SENDS = 5;
const POST_TIMEOUT_MS = 15_000;
/** Longer than any outage of a test. */
const GIVE_UP_POST_MS = 180_000;
/** How far behind the clock an alert may be when it is made; well within the grace period. */
const MAX_AGE_MS = 2_000;
const REPEATED_SHARE = 0.02;
/** Enough to keep every count below what is counted exactly per key, which is where the naive model agrees. */
const DRIVERS = 1_000;

export class Load {
  /** By alert id. */
  readonly promised = new Map<string, Promised>();
  /** Answers of the gateway that end an alert and that nobody should see. */
  readonly refused: string[] = [];
  readonly #options: LoadOptions;
  readonly #waiting = new Set<Promise<void>>();
  #posts = 0;
  #sends = 0;
  #made = 0;
  #failedSends = 0;
  #running: Promise<void> = Promise.resolve();
  #stopped = true;
  #lastGivenId: { id: string; driverId: string } | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  get made(): number {
    return this.#made;
  }

  /** Sends to the topic that failed; what of them arrived is unknown here. */
  get failedSends(): number {
    return this.#failedSends;
  }

  start(): void {
    this.#stopped = false;
    this.#running = this.#run();
  }

  /** Resolves when every request is answered or given up. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
    await Promise.all(this.#waiting);
  }

  async #run(): Promise<void> {
    const { alertsPerSecond, gatewayUrl, throughGateway = 0 } = this.#options;
    let [due, duePosts] = [0, 0];
    while (!this.#stopped) {
      duePosts += gatewayUrl === undefined ? 0 : (throughGateway * TICK_MS) / 1_000;
      due += ((alertsPerSecond - throughGateway) * TICK_MS) / 1_000;
      for (; duePosts >= 1; duePosts -= 1) if (this.#posts < MAX_WAITING_POSTS) this.#track(this.#post(this.#alert()));
      if (this.#sends < MAX_WAITING_SENDS) this.#track(this.#send(Math.floor(due)));
      due -= Math.floor(due);
      await sleep(TICK_MS);
    }
  }

  #track(work: Promise<void>): void {
    this.#waiting.add(work);
    void work.finally(() => this.#waiting.delete(work));
  }

  #alert(): RawAlert {
    const {
      random,
      drivers = DRIVERS,
      sourceTypes = ['overspeed', 'feedback_negative', 'compliance', 'fuel'],
    } = this.#options;
    const index = this.#made++;
    const repeated = random.next() < REPEATED_SHARE ? this.#lastGivenId : undefined;
    const driverId = repeated?.driverId ?? `driver-${random.integer(0, drivers - 1)}`;
    const given = random.next() < REPEATED_SHARE ? { id: `given-${random.seed}-${index}`, driverId } : undefined;
    this.#lastGivenId = given ?? this.#lastGivenId;
    return {
      alertId: repeated?.id ?? given?.id ?? null,
      driverId,
      sourceType: random.pick(sourceTypes),
      severity: random.pick(SEVERITIES),
      timestamp: Date.now() - random.integer(0, MAX_AGE_MS),
      metadata: JSON.stringify({ run: random.seed, index, document_valid: random.next() < 0.3 }),
    };
  }

  async #send(count: number): Promise<void> {
    const { topic, producer, serde } = this.#options;
    if (count === 0) return;
    const records = Array.from({ length: count }, () => {
      const alert = this.#alert();
      return { topic, key: Buffer.from(alert.driverId), value: Buffer.from(serde.serialize(topic, alert) ?? []) };
    });
    this.#sends += 1;
    try {
      await producer.send(records);
    } catch {
      this.#failedSends += count;
    } finally {
      this.#sends -= 1;
    }
  }

  async #post(alert: RawAlert): Promise<void> {
    this.#posts += 1;
    const { alertId: _chosenByGateway, ...about } = alert;
    const metadata = JSON.parse(alert.metadata) as { index: number };
    const body = JSON.stringify({ ...about, timestamp: new Date(alert.timestamp).toISOString(), metadata });
    const key = `load-${this.#options.random.seed}-${metadata.index}`;
    try {
      for (const deadline = Date.now() + GIVE_UP_POST_MS; ; await sleep(300)) {
        if (await this.#asked(body, key)) return;
        if (Date.now() < deadline) continue;
        this.refused.push(`no answer for ${GIVE_UP_POST_MS / 1000} s`);
        return;
      }
    } finally {
      this.#posts -= 1;
    }
  }

  /** True when the answer is final. */
  async #asked(body: string, key: string): Promise<boolean> {
    try {
      const answer = await fetch(`${this.#options.gatewayUrl}/process-alert`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body,
        signal: AbortSignal.timeout(POST_TIMEOUT_MS),
      });
      const said = (await answer.json()) as Promised;
      if (answer.ok) this.promised.set(said.alertId, said);
      else if (answer.status < 500 && answer.status !== 409)
        this.refused.push(`${answer.status} ${JSON.stringify(said)}`);
      // 409: the request before this one is still being worked on.
      return answer.ok || (answer.status < 500 && answer.status !== 409);
    } catch {
      return false;
    }
  }
}
