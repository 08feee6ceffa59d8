/**
 * The id that ties a response and its log lines to a request.
 *
 * Invariant: an id is short and made of characters that are safe in a header, a log line and a query; any other that a client
 * sends is replaced, never repeated.
 */

const SANE = /^[A-Za-z0-9._:+/=-]{1,128}$/;

/** The client's id when it is one sane value, else one from `make`. */
export const requestId = (header: string | readonly string[] | undefined, make: () => string): string =>
  typeof header === 'string' && SANE.test(header) ? header : make();
