import { describe, expect, it } from 'vitest';
import { ALERT_RULE_FIELDS } from '../../../schemas/alert-rule.ts';
import {
  alertCommandSchema,
  alertRuleSchema,
  commandResultSchema,
  incidentCommandSchema,
  incidentEventSchema,
  lifecycleEventSchema,
  logAlertRuleSchema,
  logAlertSchema,
  logErrorCountSchema,
  logEventSchema,
  rawAlertSchema,
} from '../../../schemas/avro.ts';
import { ALERT_COMMAND_FIELDS } from '../../../schemas/alert-command.ts';
import { COMMAND_RESULT_FIELDS } from '../../../schemas/command-result.ts';
import { INCIDENT_COMMAND_FIELDS } from '../../../schemas/incident-command.ts';
import { INCIDENT_EVENT_FIELDS } from '../../../schemas/incident-event.ts';
import type { FieldTable } from '../../../schemas/field-table.ts';
import { LIFECYCLE_EVENT_FIELDS } from '../../../schemas/lifecycle-event.ts';
import { LOG_ALERT_FIELDS } from '../../../schemas/log-alert.ts';
import { LOG_ALERT_RULE_FIELDS } from '../../../schemas/log-alert-rule.ts';
import { LOG_ERROR_COUNT_FIELDS } from '../../../schemas/log-error-count.ts';
import { LOG_EVENT_FIELDS } from '../../../schemas/log-event.ts';
import { RAW_ALERT_FIELDS } from '../../../schemas/raw-alert.ts';
import { isAlertStatus, isEventType, isSeverity } from '../../../schemas/vocabulary.ts';

interface AvscField {
  readonly name: string;
  readonly type: AvscType;
  readonly default?: unknown;
}
type AvscType = string | { readonly type: string; readonly logicalType?: string } | readonly ['null', AvscType];
interface Avsc {
  readonly name: string;
  readonly namespace: string;
  readonly fields: readonly AvscField[];
}

const tokenOf = (type: AvscType): string => {
  if (typeof type === 'string') return type;
  if ('logicalType' in type) return `${type.type}:${type.logicalType}`;
  if (Array.isArray(type)) return `${tokenOf(type[1] as AvscType)}?`;
  throw new Error(`The field table has no word for the Avro type ${JSON.stringify(type)}.`);
};

describe.each([
  { schema: rawAlertSchema, table: RAW_ALERT_FIELDS },
  { schema: lifecycleEventSchema, table: LIFECYCLE_EVENT_FIELDS },
  { schema: alertRuleSchema, table: ALERT_RULE_FIELDS },
  { schema: alertCommandSchema, table: ALERT_COMMAND_FIELDS },
  { schema: commandResultSchema, table: COMMAND_RESULT_FIELDS },
  { schema: incidentCommandSchema, table: INCIDENT_COMMAND_FIELDS },
  { schema: incidentEventSchema, table: INCIDENT_EVENT_FIELDS },
  { schema: logEventSchema, table: LOG_EVENT_FIELDS },
  { schema: logAlertRuleSchema, table: LOG_ALERT_RULE_FIELDS },
  { schema: logAlertSchema, table: LOG_ALERT_FIELDS },
  { schema: logErrorCountSchema, table: LOG_ERROR_COUNT_FIELDS },
])('$schema.name', ({ schema, table }) => {
  const avsc = JSON.parse(schema.avsc) as Avsc;

  it('[INV-SCHEMA-TYPES] has the same fields, in the same order and of the same types, in TypeScript and in the .avsc', () => {
    expect(avsc.fields.map((field) => [field.name, tokenOf(field.type)])).toEqual(Object.entries(table));
  });

  it('has the name it is loaded by, in one namespace', () => {
    expect([avsc.namespace, avsc.name]).toEqual(['fleet.alerts', schema.name]);
  });

  it('gives every nullable field the default null, so that an older writer can be read', () => {
    for (const field of avsc.fields.filter(({ type }) => Array.isArray(type))) expect(field.default).toBeNull();
  });
});

describe('the field table', () => {
  it('is refused by the type checker when it and the type differ', () => {
    interface Sample {
      readonly id: string;
      readonly count: number | null;
    }
    const accept = <T>(table: FieldTable<T>): FieldTable<T> => table;
    accept<Sample>({ id: 'string', count: 'int?' });
    // @ts-expect-error a field of the type is missing
    accept<Sample>({ id: 'string' });
    // @ts-expect-error a field that the type does not have
    accept<Sample>({ id: 'string', count: 'int?', extra: 'string' });
    // @ts-expect-error nullable in the type only
    accept<Sample>({ id: 'string', count: 'int' });
    // @ts-expect-error another type
    accept<Sample>({ id: 'long', count: 'int?' });
    expect(tokenOf(['null', { type: 'long', logicalType: 'timestamp-millis' }])).toBe('long:timestamp-millis?');
  });
});

describe('RawAlert', () => {
  it('keeps its first six fields in the order that hand-made readers of the bytes rely on', () => {
    expect(Object.keys(RAW_ALERT_FIELDS).slice(0, 6)).toEqual([
      'alertId',
      'driverId',
      'sourceType',
      'severity',
      'timestamp',
      'metadata',
    ]);
  });
});

describe('the vocabularies', () => {
  it('tell their own words from others', () => {
    expect([isAlertStatus('OPEN'), isEventType('PURGED'), isSeverity('critical')]).toEqual([true, true, true]);
    expect([isAlertStatus('open'), isEventType('toString'), isSeverity('urgent'), isSeverity(null)]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});
