/**
 * Processors that cannot change the key.
 *
 * Invariant: a record that such a processor forwards has the key of one it was given, since it can only be made from that one.
 */
import type { Processor, ProcessorContext } from '../processor.ts';
import type { HeaderList, Record } from '../record.ts';

export class FixedKeyRecord<K, V> {
  readonly #key: K;
  readonly value: V;
  readonly timestampMs: number;
  readonly headers: HeaderList | undefined;

  constructor({ key, value, timestampMs, headers }: Record<K, V>) {
    this.#key = key;
    this.value = value;
    this.timestampMs = timestampMs;
    this.headers = headers;
  }

  get key(): K {
    return this.#key;
  }

  withValue<VR>(value: VR): FixedKeyRecord<K, VR> {
    return new FixedKeyRecord({ key: this.#key, value, timestampMs: this.timestampMs, headers: this.headers });
  }

  withTimestamp(timestampMs: number): FixedKeyRecord<K, V> {
    return new FixedKeyRecord({ key: this.#key, value: this.value, timestampMs, headers: this.headers });
  }

  withHeaders(headers: HeaderList | undefined): FixedKeyRecord<K, V> {
    return new FixedKeyRecord({ key: this.#key, value: this.value, timestampMs: this.timestampMs, headers });
  }
}

export interface FixedKeyProcessorContext<K, VOut> extends Omit<ProcessorContext<K, VOut>, 'forward'> {
  forward(record: FixedKeyRecord<K, VOut>): void;
}

export interface FixedKeyProcessor<K, VIn, VOut> {
  init?(context: FixedKeyProcessorContext<K, VOut>): void;
  process(record: FixedKeyRecord<K, VIn>): void;
  close?(): void;
}

export type FixedKeyProcessorSupplier<K, VIn, VOut> = () => FixedKeyProcessor<K, VIn, VOut>;

/** As the engine runs it. */
export function unfixed<K, VIn, VOut>(
  supplier: FixedKeyProcessorSupplier<K, VIn, VOut>,
): () => Processor<K, VIn, K, VOut> {
  return () => {
    const fixed = supplier();
    return {
      init: (context) => fixed.init?.(fixedContext(context)),
      process: (record) => fixed.process(new FixedKeyRecord(record)),
      close: () => fixed.close?.(),
    };
  };
}

/** The same context, seen through its own getters, with another `forward`. */
const fixedContext = <K, V>(context: ProcessorContext<K, V>): FixedKeyProcessorContext<K, V> =>
  new Proxy(context, {
    get: (target, property) => {
      if (property === 'forward') {
        return ({ key, value, timestampMs, headers }: FixedKeyRecord<K, V>) =>
          target.forward({ key, value, timestampMs, headers });
      }
      const found: unknown = Reflect.get(target, property, target);
      return typeof found === 'function' ? (found.bind(target) as unknown) : found;
    },
  });
