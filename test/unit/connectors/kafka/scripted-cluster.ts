/**
 * A cluster of brokers that answer by script: faults that a real broker shows rarely can be had at will.
 */
import type { ClusterView, RequestLink } from '../../../../connectors/kafka/cluster.ts';
import type { Api } from '../../../../connectors/kafka/protocol/api.ts';
import type { TopicPartition } from '../../../../streams/ports.ts';

export interface SentRequest {
  readonly api: string;
  readonly node: number;
  readonly lane: string;
  readonly request: unknown;
}

/** Answers a request, or throws the fault that it ends in. */
type Answer = (request: never, sent: SentRequest) => unknown;

export class ScriptedCluster implements ClusterView {
  /** Every request in the order in which it was sent. */
  readonly sent: SentRequest[] = [];
  readonly forgotten: string[] = [];
  /** The leader of each partition; 1 unless said otherwise. */
  readonly leaders = new Map<string, number>();
  readonly #answers = new Map<string, Answer>();

  /** Sets how an API is answered. */
  on<Request, Response>(
    api: Api<Request, Response>,
    answer: (request: Request, sent: SentRequest) => Response | Promise<Response>,
  ): this {
    this.#answers.set(api.name, answer);
    return this;
  }

  names(): string[] {
    return this.sent.map(({ api }) => api);
  }

  requests<Request>(api: Api<Request, unknown>): Request[] {
    return this.sent.filter((sent) => sent.api === api.name).map(({ request }) => request as Request);
  }

  #link(node: number, lane: string): RequestLink {
    return {
      request: async <Request, Response>(api: Api<Request, Response>, request: Request): Promise<Response> => {
        const sent = { api: api.name, node, lane, request };
        this.sent.push(sent);
        const answer = this.#answers.get(api.name);
        if (!answer) throw new Error(`The script has no answer to ${api.name}`);
        await new Promise((resolve) => setImmediate(resolve));
        return (await answer(request as never, sent)) as Response;
      },
    };
  }

  async leader({ topic, partition }: TopicPartition): Promise<number> {
    return this.leaders.get(`${topic}-${partition}`) ?? 1;
  }

  async partitionCount(): Promise<number> {
    return 4;
  }

  forgetTopic(topic: string): void {
    this.forgotten.push(topic);
  }

  async refresh(): Promise<void> {
    return;
  }

  async link(node: number, lane: string): Promise<RequestLink> {
    return this.#link(node, lane);
  }

  async coordinatorLink(type: string, _key: string, lane: string): Promise<RequestLink> {
    return this.#link(type === 'group' ? 2 : 1, lane);
  }

  forgetCoordinator(type: string): void {
    this.forgotten.push(type);
  }

  askAnyBroker<T>(ask: (link: RequestLink) => Promise<T>): Promise<T> {
    return ask(this.#link(1, 'control'));
  }

  closeLane(): void {
    return;
  }

  close(): void {
    return;
  }
}
