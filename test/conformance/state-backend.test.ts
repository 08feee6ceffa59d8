/** The state backends, held to one suite. */
import { stateBackendConformance } from './state-backend.ts';
import { backendKinds } from './state-backend-fixtures.ts';

for (const kind of backendKinds) stateBackendConformance(kind);
