/**
 * A topic's messages have positions that never restart: what a reader may see is `first` to `last`, and the sequence of a cursor is the position less `base`.
 * So a new incarnation, an expiry and a trim each move numbers of one row, and the rows that became invisible (`oldest` to `first`) go in bounded steps.
 * `sweep_at` is when the sweep looks at the topic next: an index on `expires_at` itself would have to be written by every append.
 */
export const BROADCAST_SCHEMA = `
CREATE TABLE topic (
  namespace INTEGER NOT NULL,
  name TEXT NOT NULL,
  id INTEGER PRIMARY KEY,
  incarnation INTEGER NOT NULL,
  base INTEGER NOT NULL,
  oldest INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  forget_at INTEGER NOT NULL,
  sweep_at INTEGER NOT NULL,
  UNIQUE (namespace, name)
) STRICT;
CREATE INDEX topic_sweep ON topic (sweep_at);
CREATE TABLE topic_message (
  topic INTEGER NOT NULL,
  position INTEGER NOT NULL,
  at INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (topic, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE topic_member (
  namespace INTEGER NOT NULL,
  topic TEXT NOT NULL,
  id TEXT NOT NULL,
  info TEXT NOT NULL,
  joined_at INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  cursor TEXT NOT NULL,
  PRIMARY KEY (namespace, topic, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX topic_member_expiry ON topic_member (expires_at);
`;
