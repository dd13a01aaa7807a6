import { BROADCAST_SCHEMA } from './broadcast-schema.ts';
import { CACHE_SCHEMA } from './cache-schema.ts';
import { COUNTER_SCHEMA } from './counter-schema.ts';
import { DOCUMENT_SCHEMA } from './document-schema.ts';
import { KEY_VALUE_SCHEMA } from './key-value-schema.ts';
import { QUEUE_SCHEMA } from './queue-schema.ts';

const COMMON = `
CREATE TABLE namespace (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
-- Who does what only one process does at a time.
CREATE TABLE duty (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
-- The last signal of each channel: tells other processes what a commit was about. Bounded by the number of queues and topics.
CREATE TABLE signal (namespace INTEGER NOT NULL, channel TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (namespace, channel)) STRICT, WITHOUT ROWID;
CREATE INDEX signal_sequence ON signal (sequence);
`;

/** The first schema: what each port stores stands beside the port. */
export const SCHEMA = [
  COMMON,
  KEY_VALUE_SCHEMA,
  COUNTER_SCHEMA,
  CACHE_SCHEMA,
  DOCUMENT_SCHEMA,
  QUEUE_SCHEMA,
  BROADCAST_SCHEMA,
].join('\n');
