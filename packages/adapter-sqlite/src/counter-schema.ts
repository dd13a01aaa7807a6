const SAFE = Number.MAX_SAFE_INTEGER;

export const COUNTER_SCHEMA = `
CREATE TABLE counter (
  namespace INTEGER NOT NULL,
  key TEXT NOT NULL,
  value INTEGER NOT NULL CHECK (value BETWEEN -${SAFE} AND ${SAFE}),
  expires_at INTEGER,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX counter_expiry ON counter (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE rate_limit (
  namespace INTEGER NOT NULL,
  key TEXT NOT NULL,
  state TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX rate_limit_expiry ON rate_limit (expires_at);
`;
