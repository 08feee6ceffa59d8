/**
 * Whether and how a process traces, by the variables that OpenTelemetry names. Without an address there is no tracing.
 */
import type { Tracing } from '../tracing/tracing.ts';
import { type Environment, optional, readSettings, withDefault } from './settings.ts';

const endpoint = {
  name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
  meaning: 'collector of traces, by OTLP over HTTP; no tracing when empty',
  allowed: 'an address such as http://127.0.0.1:4318',
  parse: (given: string): string | undefined =>
    URL.canParse(given) && /^https?:\/\/[^/]/.test(given) ? given.replace(/\/+$/, '') : undefined,
};

const ratio = {
  name: 'OTEL_TRACES_SAMPLER_ARG',
  meaning: 'share of traces that is sampled; spans that failed are always sent',
  allowed: 'a number from 0 to 1',
  parse: (given: string): number | undefined => {
    const value = /^\d(\.\d{1,9})?$/.test(given) ? Number(given) : Number.NaN;
    return value <= 1 ? value : undefined;
  },
};

export const TRACING_SETTINGS = { endpoint: optional(endpoint), ratio: withDefault(ratio, '0.1') };

/** Undefined when tracing is off; then not even its packages are loaded. Rejects with `ConfigError`. */
export const tracingOf = async (environment: Environment, service: string): Promise<Tracing | undefined> => {
  const config = readSettings(TRACING_SETTINGS, environment);
  if (config.endpoint === undefined) return undefined;
  const { startTracing } = await import('../tracing/tracing.ts');
  return startTracing({ service, url: `${config.endpoint}/v1/traces`, ratio: config.ratio });
};
