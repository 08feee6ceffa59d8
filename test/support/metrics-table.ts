/**
 * docs/metrics.md as the catalogue makes it: the document's own beginning, then one table for each group.
 */
import { format, resolveConfig } from 'prettier';
import { METRICS, type MetricEntry } from '../../connectors/observability/metric-catalogue.ts';

const HEADINGS = ['metric', 'kind', 'labels', 'meaning', 'in Kafka Streams'];

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;

const row = ({ name, kind, labels, help, kafka }: MetricEntry): string =>
  line([
    `\`${name}\``,
    kind,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
    kafka === undefined ? '' : `\`${kafka}\``,
  ]);

/** `file`: the document's path, whose formatting rules count. */
export const metricsDocument = async (markdown: string, file: string): Promise<string> => {
  const [beginning = ''] = markdown.split(/^## /m, 1);
  const tables = METRICS.map(
    ({ title, metrics }) =>
      `## ${title}\n\n${line(HEADINGS)}${line(HEADINGS.map(() => '---'))}${metrics.map(row).join('')}`,
  );
  return format(beginning + tables.join('\n'), { ...(await resolveConfig(file)), filepath: file });
};
