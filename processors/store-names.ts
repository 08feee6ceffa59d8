/**
 * The names under which the processors ask for their stores; a topology declares stores with these names.
 */
export const RECENT_TIMES_STORE = 'recent-times';
export const ALERTS_STORE = 'alerts';
export const ALERT_RULES_STORE = 'alert-rules';
