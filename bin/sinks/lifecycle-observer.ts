/**
 * Who hears of lifecycle events that were stored: the log and the traces, as far as they are wanted.
 */
import type { SinkConfig } from '../../connectors/config/processes.ts';
import type { Tracing } from '../../connectors/tracing/tracing.ts';
import type { LifecycleEvent } from '../../schemas/lifecycle-event.ts';
import { lifecycleLog } from '../../sink/lifecycle-log.ts';
import type { ApplyObserver } from '../../sink/ports.ts';
import { tracedApplies } from '../../sink/traced-applies.ts';

export interface LifecycleObserverOptions {
  readonly config: Pick<SinkConfig, 'lifecycleLog' | 'logLevel'>;
  readonly tracing: Tracing | undefined;
  readonly write: (lines: string) => void;
}

/** Undefined when nobody wants to hear. */
export const lifecycleObserver = ({
  config,
  tracing,
  write,
}: LifecycleObserverOptions): ApplyObserver<LifecycleEvent> | undefined => {
  const isLogged = config.lifecycleLog && (config.logLevel === 'debug' || config.logLevel === 'info');
  const observers: ApplyObserver<LifecycleEvent>[] = [
    ...(isLogged ? [lifecycleLog({ service: 'sink', write, now: Date.now })] : []),
    ...(tracing === undefined ? [] : [tracedApplies(tracing)]),
  ];
  if (observers.length === 0) return undefined;
  return {
    applied: (at, events, startMs) => {
      for (const observer of observers) observer.applied(at, events, startMs);
    },
  };
};
