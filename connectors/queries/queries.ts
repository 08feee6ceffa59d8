/**
 * Store queries under the connectors' roof, for the folders that may not import `streams/`.
 *
 * Invariant: re-exports only.
 */
export type { ClientQuery } from '../../streams/client/query-router.ts';
export { QueryError, type QueryErrorCode } from '../../streams/queries/query-error.ts';
export type { QueryAnswer } from '../../streams/queries/query.ts';
