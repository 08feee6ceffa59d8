/**
 * How the notification routes say that something is not there.
 */
import { recoveryOf } from '../../connectors/log.ts';
import { ApiError, unavailable } from '../http/api-error.ts';

/** The same work; an outage of the database is an answer that says so. */
export const reaching = async <T>(work: Promise<T>): Promise<T> => {
  try {
    return await work;
  } catch (cause) {
    if (recoveryOf(cause) !== 'retry') throw cause;
    throw unavailable('NOTIFICATIONS_UNAVAILABLE', 'Notifications cannot be reached at the moment.', 2, { cause });
  }
};

export const channelNotFound = (): ApiError =>
  new ApiError(404, 'CHANNEL_NOT_FOUND', 'There is no channel with this id.');
