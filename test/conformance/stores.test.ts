/** The stores on every backend, held to one suite per kind of store. */
import { backendKinds } from './state-backend-fixtures.ts';
import { dueStoreConformance } from './stores-due.ts';
import { keyValueStoreConformance } from './stores-key-value.ts';
import { sessionStoreConformance } from './stores-session.ts';
import { ttlStoreConformance } from './stores-ttl.ts';
import { versionedStoreConformance } from './stores-versioned.ts';
import { windowStoreConformance } from './stores-window.ts';

for (const kind of backendKinds) {
  keyValueStoreConformance(kind);
  dueStoreConformance(kind);
  windowStoreConformance(kind);
  sessionStoreConformance(kind);
  versionedStoreConformance(kind);
  ttlStoreConformance(kind);
}
