export const KEY_VALUE_SCHEMA = `
-- One row per key. A key that holds fields has their number in 'fields' and no value. A value is TEXT, or BLOB for bytes and for text that holds NUL.
-- Rows of a negative namespace are maps that were deleted and have too many fields to go at once: the sweep takes them.
CREATE TABLE key_value (
  namespace INTEGER NOT NULL,
  key TEXT NOT NULL,
  id INTEGER PRIMARY KEY,
  expires_at INTEGER,
  fields INTEGER,
  value ANY,
  UNIQUE (namespace, key)
) STRICT;
CREATE INDEX key_value_expiry ON key_value (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE key_value_field (
  entry INTEGER NOT NULL,
  field TEXT NOT NULL,
  value ANY NOT NULL,
  PRIMARY KEY (entry, field)
) STRICT, WITHOUT ROWID;
`;
