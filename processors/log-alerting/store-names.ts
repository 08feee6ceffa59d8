/**
 * The names under which the processors of the logs ask for their stores; a topology declares stores with these names.
 */
export const LOG_RULES_STORE = 'log-rules';
export const LOG_WINDOWS_STORE = 'log-windows';
export const LOG_COOLDOWNS_STORE = 'log-cooldowns';
export const LOG_ABSENCE_STORE = 'log-absence';
export const ERROR_MINUTES_STORE = 'log-error-minutes';
export const ERROR_HOURS_STORE = 'log-error-hours';
export const ERROR_DAYS_STORE = 'log-error-days';
export const ERROR_COUNT_TIMERS_STORE = 'log-error-count-timers';
