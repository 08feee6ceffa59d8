/** A gateway over HTTP on memory: an in-memory log, a stand-in for the processor, a read model of one alert. */
import { PrometheusMetrics } from '../../../connectors/observability/prometheus-metrics.ts';
import { systemClock } from '../../../connectors/system-clock.ts';
import { parseExactJson } from '../../../gateway/alerts/exact-json.ts';
import { type GatewayConfig, readGatewayConfig } from '../../../gateway/config.ts';
import { createGateway, type Gateway, type GatewayPorts } from '../../../gateway/gateway.ts';
import type { IdempotencyStore } from '../../../gateway/idempotency/idempotency.ts';
import type { LifecycleEvent } from '../../../schemas/lifecycle-event.ts';
import type { RawAlert } from '../../../schemas/raw-alert.ts';
import { InvalidCursorError } from '../../../sink/read-model-cursor.ts';
import type { AlertFilters, ReadModel, StoredAlert, StoredEvent } from '../../../sink/read-model.ts';
import { InMemoryLog } from '../../../streams/testing/in-memory-log.ts';
import { decideOnAlerts, EVENTS, jsonSerde, RAW, recordingLogger } from './support.ts';

export const body = { sourceType: 'overspeed', driverId: 'TEST-02', severity: 'medium', metadata: { speed: 121 } };

const storedAlert: StoredAlert = {
  alertId: 'known',
  driverId: 'TEST-02',
  sourceType: 'overspeed',
  severity: 'critical',
  status: 'ESCALATED',
  timestampMs: Date.parse('2026-11-24T09:33:24.5Z'),
  createdAtMs: Date.parse('2026-11-24T09:33:24Z'),
  updatedAtMs: Date.parse('2026-11-24T09:33:24.5Z'),
  sequence: 2,
  metadata: parseExactJson('{"speed":121.0,"nested":{"id":12345678901234567890}}') as Record<string, unknown>,
};

const storedEvent: StoredEvent = {
  eventId: 'known:1',
  alertId: 'known',
  sequence: 1,
  eventType: 'CREATED',
  reason: 'below_count',
  oldStatus: null,
  newStatus: 'OPEN',
  timestampMs: 0,
  metadata: { reason: 'below_count', src: 'overspeed' },
};

class MemoryReadModel implements ReadModel {
  fault: Error | undefined;
  asked: { filters: AlertFilters; cursor: string | undefined; limit: number }[] = [];

  async listAlerts(filters: AlertFilters, cursor: string | undefined, limit: number) {
    this.#reach();
    if (cursor === 'bad') throw new InvalidCursorError();
    this.asked.push({ filters, cursor, limit });
    return { alerts: [storedAlert], nextCursor: 'next' };
  }

  async getAlert(alertId: string) {
    this.#reach();
    return alertId === 'known' ? storedAlert : undefined;
  }

  async listEvents(alertId: string) {
    this.#reach();
    return alertId === 'known' ? [storedEvent] : [];
  }

  async ping() {
    this.#reach();
  }

  #reach(): void {
    if (this.fault !== undefined) throw this.fault;
  }
}

const noStore: IdempotencyStore = {
  begin: async () => Promise.reject(new Error('away')),
  complete: async () => undefined,
  updateStatus: async () => undefined,
  release: async () => undefined,
  deleteExpired: async () => 0,
};

export class World {
  readonly stop = new AbortController();
  readonly logger = recordingLogger();
  readonly readModel = new MemoryReadModel();
  readonly log = new InMemoryLog({ clock: systemClock });
  readonly metrics = new PrometheusMetrics();
  #gateway: Gateway | undefined;

  get gateway(): Gateway {
    if (this.#gateway === undefined) throw new Error('not started');
    return this.#gateway;
  }

  async start(environment: Record<string, string> = {}, ports: Partial<GatewayPorts> = {}): Promise<this> {
    const config: GatewayConfig = { ...readGatewayConfig(environment), decisionTimeoutMs: 300 };
    this.log.createTopics([RAW, EVENTS].map((name) => ({ name, partitions: 2, config: {} })));
    const client = this.log.client('gateway');
    this.#gateway = await createGateway(
      config,
      { alerts: RAW, events: EVENTS },
      {
        producer: client.plainProducer(),
        reader: client.reader(),
        admin: client.admin(),
        alerts: jsonSerde<RawAlert>(),
        events: jsonSerde<LifecycleEvent>(),
        readModel: this.readModel,
        idempotencyStore: noStore,
        checks: { registry: () => undefined },
        clock: systemClock,
        logger: this.logger,
        metrics: this.metrics,
        metricsText: () => this.metrics.text(),
        random: (bytes) => crypto.getRandomValues(bytes),
        ...ports,
      },
    );
    void this.gateway.follow(this.stop.signal);
    const decide = ({ sourceType }: RawAlert) => (sourceType === 'silent' ? [] : (['OPEN', 'ESCALATED'] as const));
    void decideOnAlerts(this.log.client('processor'), decide, this.stop.signal);
    await new Promise((resolve) => setTimeout(resolve, 20));
    return this;
  }

  post(payload: unknown, headers: Record<string, string> = {}) {
    const text = typeof payload === 'string' || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload);
    return this.gateway.server.inject({
      method: 'POST',
      url: '/process-alert',
      headers: { 'content-type': 'application/json', ...headers },
      payload: text,
    });
  }

  get(url: string, headers: Record<string, string> = {}) {
    return this.gateway.server.inject({ method: 'GET', url, headers });
  }

  produced(): RawAlert[] {
    return [0, 1].flatMap((partition) =>
      this.log.records({ topic: RAW, partition }).map(({ value }) => jsonSerde<RawAlert>().deserialize(RAW, value)),
    );
  }

  async close(): Promise<void> {
    this.stop.abort();
    await this.#gateway?.server.close();
  }
}
