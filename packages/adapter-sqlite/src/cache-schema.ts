/**
 * Leases stand apart from entries: taking one must not rewrite a large text. They are as many as factories run, plus those of processes
 * that died, so their sweep needs no index.
 */
export const CACHE_SCHEMA = `
CREATE TABLE cache_entry (
  namespace INTEGER NOT NULL,
  key TEXT NOT NULL,
  number INTEGER PRIMARY KEY,
  expires_at INTEGER NOT NULL,
  text ANY NOT NULL,
  UNIQUE (namespace, key)
) STRICT;
CREATE INDEX cache_entry_expiry ON cache_entry (expires_at);
CREATE TABLE cache_lease (
  namespace INTEGER NOT NULL,
  key TEXT NOT NULL,
  lease TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE cache_tag (
  namespace INTEGER NOT NULL,
  tag TEXT NOT NULL,
  epoch TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (namespace, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX cache_tag_expiry ON cache_tag (expires_at);
`;
