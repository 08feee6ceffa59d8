/** The table of settings is made from their declarations, so no variable is missing, and none is there that nobody reads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { expect, it } from 'vitest';
import {
  PROCESS_SETTINGS,
  PROCESSOR_SETTINGS,
  SETUP_SETTINGS,
  SINK_SETTINGS,
} from '../../../connectors/config/processes.ts';
import { NOTIFIER_SETTINGS } from '../../../connectors/config/notifier.ts';
import { KAFKA_SETTINGS, MYSQL_SETTINGS, REGISTRY_SETTINGS } from '../../../connectors/config/services.ts';
import type { Setting, Settings } from '../../../connectors/config/settings.ts';
import { TRACING_SETTINGS } from '../../../connectors/config/tracing.ts';
import { GATEWAY_SETTINGS } from '../../../gateway/config.ts';
import { projectRoot } from '../../../infra/local-stack/settings.ts';

const FILE = join(projectRoot, 'docs/operations.md');
const BLOCK = /(<!-- settings:[^>]*-->\n)[^]*(<!-- \/settings -->)/;

/** In this order; a variable stands where it is named first. */
const GROUPS: readonly (readonly [title: string, Settings])[] = [
  ['Services', { ...KAFKA_SETTINGS, ...REGISTRY_SETTINGS, ...prefixed('mysql', MYSQL_SETTINGS) }],
  ['Every process', { ...PROCESS_SETTINGS, ...TRACING_SETTINGS }],
  ['Processor', PROCESSOR_SETTINGS],
  ['Sink', SINK_SETTINGS],
  ['Notifier', NOTIFIER_SETTINGS],
  ['Gateway', GATEWAY_SETTINGS],
  ['Setup', SETUP_SETTINGS],
];

/** Keys of one group may be those of another; names never are. */
function prefixed(prefix: string, settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).map(([key, setting]) => [`${prefix}.${key}`, setting]));
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');

const row = ({ name, meaning, allowed, defaultText, secret }: Setting<unknown>): string =>
  `| \`${name}\` | ${defaultText === '' ? '' : `\`${defaultText}\``} | ${cell(meaning)}; ${cell(allowed)}${secret ? ' **(secret)**' : ''} |`;

const tables = (): string => {
  const told = new Set<string>();
  return GROUPS.map(([title, settings]) => {
    const rows = Object.values(settings).filter(({ name }) => !told.has(name) && told.add(name));
    return [`### ${title}`, '', '| variable | default | meaning |', '| --- | --- | --- |', ...rows.map(row), ''].join(
      '\n',
    );
  }).join('\n');
};

it('documents every variable with its default, meaning and what it may be', async () => {
  const text = readFileSync(FILE, 'utf8');
  expect(text).toMatch(BLOCK);
  const renewed = text.replace(BLOCK, (_all, begin: string, end: string) => `${begin}\n${tables()}\n${end}`);
  const formatted = await format(renewed, { ...(await resolveConfig(FILE)), filepath: FILE });
  await expect(formatted).toMatchFileSnapshot(FILE);
});
