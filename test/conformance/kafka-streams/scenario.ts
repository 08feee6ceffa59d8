/**
 * A topology that stands twice, here in our DSL and in `java/` under the same name in that of Kafka Streams, with the records
 * that go through both.
 */
import { storeSuppliers } from '../../../state/store-suppliers.ts';
import type { Consumed } from '../../../streams/dsl/options.ts';
import { nullable, sessionWindowedSerde, timeWindowedSerde } from '../../../streams/dsl/serdes.ts';
import { StreamsBuilder } from '../../../streams/dsl/streams-builder.ts';
import { TimeWindows } from '../../../streams/dsl/windows.ts';
import type { Serde } from '../../../streams/serde.ts';
import { int64Serde, stringSerde } from '../../../streams/serdes.ts';
import type { Topology } from '../../../streams/topology.ts';

export type Form = 'string' | 'long' | 'session' | { readonly windowed: number };

export type Neutral = string | number | null | { readonly key: string; readonly start: number; readonly end: number };

export interface TopicForm {
  readonly key: Form;
  readonly value: Form;
}

export interface InputForm extends TopicForm {
  /** What random records are made of. */
  readonly keys: readonly (string | null)[];
  readonly values: readonly (string | number | null)[];
}

export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly inputs: { readonly [topic: string]: InputForm };
  readonly outputs: { readonly [topic: string]: TopicForm };
  readonly build: (builder: StreamsBuilder) => void;
  /** Lines `topic key value timestamp`, where `~` stands for null, or `wall-clock <ms>` to move it on. */
  readonly steps: string;
}

export type Step =
  | { readonly topic: string; readonly key: Neutral; readonly value: Neutral; readonly timestamp: number }
  | { readonly advanceWallClockMs: number };

export interface Output {
  /** After which step it came. */
  readonly step: number;
  readonly topic: string;
  readonly key: Neutral;
  readonly value: Neutral;
  readonly timestamp: number;
}

/** What a run of a scenario shows. */
export interface Outcome {
  readonly outputs: readonly Output[];
  readonly stores: readonly string[];
  readonly repartitionTopics: readonly string[];
}

export interface Fixture extends Outcome {
  readonly name: string;
  readonly description: string;
  readonly topics: { readonly [topic: string]: TopicForm & { readonly input: boolean } };
  readonly steps: readonly Step[];
}

/** For scenarios whose types leave out that records may lack a key or value, as those in Java do. */
export const strings = {
  key: nullable(stringSerde),
  value: nullable(stringSerde),
} as unknown as Consumed<string, string>;

export const longs = {
  key: nullable(stringSerde),
  value: nullable(int64Serde),
} as unknown as Consumed<string, number>;

export const byString = { key: stringSerde, value: stringSerde };
export const byStringLongs = { key: stringSerde, value: int64Serde };

/** Strings to strings, with random records of these values. */
export const textInput = (
  values: readonly (string | null)[] = ['a', 'b', 'c'],
  keys: readonly (string | null)[] = ['A', 'B', null],
): InputForm => ({ key: 'string', value: 'string', keys, values });

export const longInput = (values: readonly (number | null)[] = [1, 5, 12, 20, null]): InputForm => ({
  key: 'string',
  value: 'long',
  keys: ['A', 'B', 'AB', null],
  values,
});

export const text: TopicForm = { key: 'string', value: 'string' };
export const long: TopicForm = { key: 'string', value: 'long' };
export const pair = (one: unknown, other: unknown): string => `${String(one)}+${String(other)}`;

export function stepsOf({ steps, inputs }: Scenario): readonly Step[] {
  return steps
    .trim()
    .split('\n')
    .map((line) => {
      const [topic = '', key = '', value = '', timestamp = ''] = line.trim().split(/\s+/);
      if (topic === 'wall-clock') return { advanceWallClockMs: Number(key) };
      const form = inputs[topic];
      if (form === undefined) throw new Error(`"${line}" is for a topic that is no input.`);
      return {
        topic,
        key: neutral(form.key, key),
        value: neutral(form.value, value),
        timestamp: Number(timestamp),
      };
    });
}

const neutral = (form: Form, text: string): Neutral => (text === '~' ? null : form === 'long' ? Number(text) : text);

export const topicsOf = ({ inputs, outputs }: Scenario): Fixture['topics'] =>
  Object.fromEntries<Fixture['topics'][string]>([
    ...Object.entries(inputs).map(([topic, { key, value }]) => [topic, { key, value, input: true }] as const),
    ...Object.entries(outputs).map(([topic, form]) => [topic, { ...form, input: false }] as const),
  ]);

export function topologyOf({ build }: Scenario): Topology {
  const builder = new StreamsBuilder({ stores: storeSuppliers });
  build(builder);
  return builder.build();
}

/** Between bytes and neutral JSON. */
export function serdeOf(form: Form): Serde<Neutral> {
  if (form === 'string') return nullable(stringSerde);
  if (form === 'long') return nullable(int64Serde);
  const serde =
    form === 'session'
      ? sessionWindowedSerde(stringSerde)
      : timeWindowedSerde(stringSerde, TimeWindows.ofSizeWithNoGrace(form.windowed));
  return {
    serialize: () => {
      throw new TypeError('Windowed keys are outputs only.');
    },
    deserialize: (topic, data) => {
      const { key, window } = serde.deserialize(topic, data);
      return { key, start: window.startMs, end: window.endMs };
    },
  };
}
