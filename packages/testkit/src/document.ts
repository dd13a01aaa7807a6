import { documentCollectionSuite } from './document-collection.ts';
import { documentExpirySuite } from './document-expiry.ts';
import { documentFaultSuite } from './document-faults.ts';
import { documentFeedSuite } from './document-feed.ts';
import { documentFindSuite } from './document-find.ts';
import { documentPortSuite } from './document-port.ts';
import { documentRaceSuite } from './document-races.ts';
import type { Harness } from './harness.ts';

/** Documents: the port alone, typed collections on it, and many writers at once. */
export function documentSuite(harness: Harness): void {
  documentPortSuite(harness);
  documentExpirySuite(harness);
  documentFeedSuite(harness);
  documentCollectionSuite(harness);
  documentFindSuite(harness);
  documentFaultSuite(harness);
  documentRaceSuite(harness);
}
