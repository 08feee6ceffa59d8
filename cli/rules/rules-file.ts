/**
 * A rules file on this machine.
 */
import { readFileSync } from 'node:fs';
import { parseRules } from '../../processors/rules.ts';
import type { AlertRule } from '../../schemas/alert-rule.ts';
import { usageError } from '../exit-codes.ts';

/** Throws a usage error for a file that cannot be read, `InvalidRulesError` for one that cannot be used. */
export function readRulesFile(file: string): readonly AlertRule[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`${file} cannot be read: ${(error as Error).message}`);
  }
  return parseRules(text);
}
