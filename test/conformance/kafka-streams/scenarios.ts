/** All scenarios. */
import type { Scenario } from './scenario.ts';
import { aggregateScenarios } from './scenarios/aggregates.ts';
import { finalResultScenarios } from './scenarios/final-results.ts';
import { foreignKeyJoinScenarios } from './scenarios/foreign-key-joins.ts';
import { statelessScenarios } from './scenarios/stateless.ts';
import { streamJoinScenarios } from './scenarios/stream-joins.ts';
import { streamTableJoinScenarios } from './scenarios/stream-table-joins.ts';
import { suppressScenarios } from './scenarios/suppressions.ts';
import { tableJoinScenarios } from './scenarios/table-joins.ts';
import { tableScenarios } from './scenarios/tables.ts';
import { windowScenarios } from './scenarios/windowed-aggregates.ts';
import { windowedCogroupScenarios } from './scenarios/windowed-cogroups.ts';

export const scenarios: readonly Scenario[] = [
  ...statelessScenarios,
  ...aggregateScenarios,
  ...windowScenarios,
  ...finalResultScenarios,
  ...windowedCogroupScenarios,
  ...suppressScenarios,
  ...tableScenarios,
  ...tableJoinScenarios,
  ...foreignKeyJoinScenarios,
  ...streamJoinScenarios,
  ...streamTableJoinScenarios,
];
