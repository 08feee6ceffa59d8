/**
 * Where the instances of an application ask each other.
 *
 * Invariant: each application of a process has an address of its own below the process', so instances that run different
 * applications never mix them up.
 */
export interface ProcessAddress {
  readonly host: string;
  readonly port: number;
  /** As others reach this process; undefined: as it listens. */
  readonly advertisedUrl: string | undefined;
}

/** The part of the addresses that names the application. */
export const STREAMS_PATH = '/streams';

/** Such as `http://10.0.0.7:4001/streams/alerts`. */
export const applicationServer = ({ host, port, advertisedUrl }: ProcessAddress, application: string): string => {
  const base = advertisedUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  return `${base}${STREAMS_PATH}/${application}`;
};
