/**
 * `alerts dlq drop`: deletes dead letters from the old end of a partition up to one of them.
 */
import type { CommandContext } from '../context.ts';
import { refusal } from '../exit-codes.ts';
import { plural } from '../text.ts';
import { idText, type LetterId } from './dead-letter.ts';
import { eachLetter, oneLetter } from './letters.ts';

export async function dropLetters(context: CommandContext, id: LetterId, { yes }: { yes?: boolean }): Promise<void> {
  const services = await context.services();
  await oneLetter(services, id);
  let letters = 0;
  await eachLetter(services, (letter) => {
    if (letter.id.partition === id.partition && letter.id.offset <= id.offset) letters += 1;
  });
  const what = `${plural(letters, 'dead letter')} up to and including ${idText(id)}`;
  if (!yes) throw refusal(`This deletes ${what} for good. Add --yes to do it.`);
  await services.admin.deleteRecordsBefore(
    { topic: services.topics.deadLetters, partition: id.partition },
    id.offset + 1,
  );
  context.show({ dropped: letters, upTo: idText(id) }, () => `Dropped ${what}.`);
}
