/**
 * `alerts rules validate`: whether a rules file can be used, without touching anything.
 */
import { InvalidRulesError } from '../../processors/rules.ts';
import type { CommandContext } from '../context.ts';
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts';
import { plural } from '../text.ts';
import { readRulesFile } from './rules-file.ts';

export async function validateRules(context: CommandContext, file: string): Promise<ExitCode> {
  try {
    const rules = readRulesFile(file);
    context.show(
      { valid: true, problems: [] },
      () => `${file} can be used: ${plural(rules.length, 'entry', 'entries')}.`,
    );
    return EXIT_CODES.ok;
  } catch (error) {
    if (!(error instanceof InvalidRulesError)) throw error;
    context.show({ valid: false, problems: error.problems }, () => error.message);
    return EXIT_CODES.failed;
  }
}
