/**
 * The case that the demo plays: four drivers, eight alerts, and what must become of them.
 *
 * Invariant: all times here are those of the case, in minutes or seconds of its own clock; how fast that clock runs is decided
 * elsewhere.
 */

/** The rules of the case, in the form of the rules file. */
export const CASE_RULES = {
  overspeed: { escalate_if_count: 3, window_mins: 2, auto_close_after_mins: 4 },
  feedback_negative: { escalate_if_count: 2, window_mins: 1440, auto_close_after_mins: 2880 },
  compliance: { auto_close_if: 'document_valid' },
  retention: { purge_after_mins: 5, archive: true },
} as const;

export const CASE_DRIVERS = ['TEST-01', 'TEST-02', 'TEST-03', 'TEST-04'] as const;
export type CaseDriver = (typeof CASE_DRIVERS)[number];

export interface CaseAlert {
  readonly atSeconds: number;
  readonly driver: CaseDriver;
  readonly sourceType: string;
  readonly severity: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** The status that the gateway answers and the table then shows. */
  readonly status: string;
  /** The severity that the table then shows. */
  readonly decidedSeverity: string;
  /** Closed by the rule's timeout. */
  readonly timesOut: boolean;
  /** Purged within the case. */
  readonly purged: boolean;
}

const overspeed = (atSeconds: number, driver: CaseDriver, speed: number, escalates = false): CaseAlert => ({
  ...{ atSeconds, driver, sourceType: 'overspeed', severity: 'medium', metadata: { speed } },
  ...{ status: escalates ? 'ESCALATED' : 'OPEN', decidedSeverity: escalates ? 'critical' : 'medium' },
  ...{ timesOut: true, purged: true },
});

const feedback = (atSeconds: number, escalates: boolean): CaseAlert => ({
  ...{ atSeconds, driver: 'TEST-03', sourceType: 'feedback_negative', severity: 'low' },
  metadata: { rating: 1, comment: 'Rude driver' },
  ...{ status: escalates ? 'ESCALATED' : 'OPEN', decidedSeverity: escalates ? 'high' : 'low' },
  ...{ timesOut: false, purged: false },
});

const compliance = (atSeconds: number, valid: boolean): CaseAlert => ({
  ...{ atSeconds, driver: 'TEST-04', sourceType: 'compliance', severity: 'low' },
  metadata: { docType: 'DL', document_valid: valid },
  ...{ status: valid ? 'AUTO_CLOSED' : 'OPEN', decidedSeverity: 'low' },
  ...{ timesOut: false, purged: valid },
});

/** In the order they are sent. */
export const CASE_ALERTS: readonly CaseAlert[] = [
  overspeed(0, 'TEST-01', 105),
  overspeed(0, 'TEST-02', 121),
  feedback(20, false),
  compliance(30, false),
  overspeed(40, 'TEST-02', 125),
  overspeed(80, 'TEST-02', 130, true),
  feedback(100, true),
  compliance(110, true),
];

/** When, on the case's clock, the last alert has timed out and the last has been purged. */
export const CASE_SECONDS = { timedOut: 80 + 240, purged: 80 + 240 + 300 } as const;
