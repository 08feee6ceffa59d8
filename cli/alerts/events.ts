/**
 * `alerts events`: everything that happened to one alert, from the tables or, once it was purged, from the archive.
 */
import type { MysqlDatabase } from '../../connectors/mysql/database.ts';
import { openReadModel, readArchivedAlert, type StoredAlert, type StoredEvent } from '../../sink/read-model.ts';
import type { CommandContext } from '../context.ts';
import { failure } from '../exit-codes.ts';
import { table, time } from '../text.ts';

interface Story {
  readonly alert: StoredAlert;
  readonly events: readonly StoredEvent[];
  readonly archived: boolean;
}

export async function events(context: CommandContext, alertId: string): Promise<void> {
  const { database } = await context.services();
  const story = (await livingStory(database, alertId)) ?? (await archivedStory(database, alertId));
  if (story === undefined) {
    throw failure(
      `There is no alert ${alertId}, neither in the tables nor in the archive. It may have been purged without one.`,
    );
  }
  context.show(story, () => textOf(story));
}

async function livingStory(database: MysqlDatabase, alertId: string): Promise<Story | undefined> {
  const model = openReadModel(database);
  const alert = await model.getAlert(alertId);
  return alert && { alert, events: await model.listEvents(alertId), archived: false };
}

async function archivedStory(database: MysqlDatabase, alertId: string): Promise<Story | undefined> {
  const found = await readArchivedAlert(database, alertId);
  return found && { ...found, archived: true };
}

function textOf({ alert, events: all, archived }: Story): string {
  const { alertId, driverId, sourceType, severity, status, createdAtMs, metadata } = alert;
  return [
    `alert     ${alertId}${archived ? ' (purged; from the archive)' : ''}`,
    `driver    ${driverId}`,
    `source    ${sourceType}, ${severity}, ${status}`,
    `happened  ${time(createdAtMs)}`,
    `metadata  ${JSON.stringify(metadata)}`,
    '',
    table(
      ['#', 'time', 'event', 'status', 'reason', 'metadata'],
      all.map(({ sequence, timestampMs, eventType, oldStatus, newStatus, reason, metadata: about }) => [
        ...[String(sequence), time(timestampMs), eventType],
        ...[oldStatus === null ? newStatus : `${oldStatus} → ${newStatus}`, reason, JSON.stringify(about)],
      ]),
      ['#'],
    ),
  ].join('\n');
}
