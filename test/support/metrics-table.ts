/**
 * The tables of docs/metrics.md as the catalogue has them, cell by cell.
 */
import { METRICS, type MetricEntry } from '../../connectors/observability/metric-catalogue.ts';

const row = ({ name, kind, labels, help, kafka }: MetricEntry): string[] => [
  `\`${name}\``,
  kind,
  labels.map((label) => `\`${label}\``).join(', '),
  help,
  kafka === undefined ? '' : `\`${kafka}\``,
];

export const HEADINGS = ['metric', 'kind', 'labels', 'meaning', 'in Kafka Streams'];

export const catalogueTables = (): { title: string; rows: string[][] }[] =>
  METRICS.map(({ title, metrics }) => ({ title, rows: metrics.map(row) }));

/** The tables of a document: those under a heading of the second level that hold a metric each line. */
export const documentTables = (markdown: string): { title: string; rows: string[][] }[] =>
  markdown
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n');
      const rows = lines
        .filter((line) => line.startsWith('| `'))
        .map((line) =>
          line
            .split('|')
            .slice(1, -1)
            .map((cell) => cell.trim()),
        );
      return { title, rows };
    })
    .filter(({ rows }) => rows.length > 0);
