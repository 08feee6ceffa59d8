/**
 * The topics of the incidents application.
 *
 * Invariants:
 * - Commands, events and results have as many partitions as the alerts that incidents are made of: the task of partition n reads
 *   and writes partition n of each, and an incident's id names it.
 * - Events are kept by the time they were appended, so that a replay of old alerts is not deleted as it is written.
 */
import type { TopicSpec } from '../streams/ports.ts';
import { keptFor, TAKES_LARGE_BATCHES } from './topics.ts';

export interface IncidentTopicNames {
  /** Made by the log alerting application. */
  readonly logAlerts: string;
  /** Made by the escalation of driver alerts. */
  readonly driverEscalations: string;
  readonly incidentCommands: string;
  readonly incidentEvents: string;
  readonly incidentResults: string;
  readonly escalationPolicies: string;
  readonly serviceDependencies: string;
}

/** `prefix` keeps several systems on one cluster apart. */
export const incidentTopicNames = (prefix = ''): IncidentTopicNames => ({
  logAlerts: `${prefix}log-alerts`,
  driverEscalations: `${prefix}driver-escalations`,
  incidentCommands: `${prefix}incident-commands`,
  incidentEvents: `${prefix}incident-events`,
  incidentResults: `${prefix}incident-results`,
  escalationPolicies: `${prefix}escalation-policies`,
  serviceDependencies: `${prefix}service-dependencies`,
});

const DAY_MS = 86_400_000;

const compacted: TopicSpec['config'] = { 'cleanup.policy': 'compact', 'delete.retention.ms': String(30 * DAY_MS) };

/** What the incidents application needs besides the alerts of logs. */
export const incidentTopics = (
  partitions: number,
  names: IncidentTopicNames = incidentTopicNames(),
): readonly TopicSpec[] => [
  { name: names.driverEscalations, partitions, config: { ...keptFor(30), ...TAKES_LARGE_BATCHES } },
  { name: names.incidentCommands, partitions, config: keptFor(30) },
  { name: names.incidentEvents, partitions, config: { ...keptFor(90), ...TAKES_LARGE_BATCHES } },
  // Whoever asked has waited a few seconds for the answer.
  { name: names.incidentResults, partitions, config: { ...keptFor(1), ...TAKES_LARGE_BATCHES } },
  { name: names.escalationPolicies, partitions: 1, config: compacted },
  { name: names.serviceDependencies, partitions: 1, config: compacted },
];
