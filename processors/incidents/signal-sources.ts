/**
 * Alerts of other applications as signals, at the place of their service.
 *
 * Invariant: one signal for each alert; what cannot be one goes to the dead letters whole.
 */
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import type { LogAlert } from '../../schemas/log-alert.ts';
import type { Processor, ProcessorContext } from '../../streams/processor.ts';
import type { Record } from '../../streams/record.ts';
import { fromEscalation, fromLogAlert, type RoutedSignal, type Signal } from './signal.ts';

class SignalSource<V> implements Processor<string, V, string, RoutedSignal> {
  readonly #toSignal: (value: V) => Signal;
  #context!: ProcessorContext<string, RoutedSignal>;

  constructor(toSignal: (value: V) => Signal) {
    this.#toSignal = toSignal;
  }

  init(context: ProcessorContext<string, RoutedSignal>): void {
    this.#context = context;
  }

  process({ value, timestampMs }: Record<string, V>): void {
    const signal = this.#toSignal(value);
    this.#context.forward({ key: signal.service, value: { signal, takesOver: false, hops: 0 }, timestampMs });
  }
}

export const logAlertSignals = (): Processor<string, LogAlert, string, RoutedSignal> => new SignalSource(fromLogAlert);

export const driverSignals = (): Processor<string, LifecycleEvent, string, RoutedSignal> =>
  new SignalSource(fromEscalation);
