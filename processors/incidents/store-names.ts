/**
 * The names under which the incident processors ask for their stores and name their outputs; a topology declares these.
 */
export const INCIDENTS_STORE = 'incidents';
export const FINGERPRINTS_STORE = 'incident-fingerprints';
export const ACTIVE_INCIDENTS_STORE = 'active-incidents';
export const POLICIES_STORE = 'escalation-policies';
export const SERVICES_STORE = 'service-dependencies';

export const INCIDENT_EVENTS_OUTPUT = 'incident-events-sink';
export const INCIDENT_RESULTS_OUTPUT = 'incident-results-sink';
export const INCIDENT_SIGNALS_OUTPUT = 'incident-signals-sink';
