/**
 * What belongs to a collection carries its number instead of namespace and name. Ids are as `encodeText` of core encodes them, members as
 * `indexMember` does: printable ASCII, in the order that the walks promise. `document.entries` are the index entries of this version as a JSON list of
 * [index, key, 1 if unique]: what a later write has to remove. `sole` marks the entries of unique indexes.
 */
export const DOCUMENT_SCHEMA = `
CREATE TABLE collection (
  namespace INTEGER NOT NULL,
  name TEXT NOT NULL,
  number INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL,
  floor INTEGER NOT NULL,
  documents INTEGER NOT NULL,
  tombstones INTEGER NOT NULL,
  UNIQUE (namespace, name)
) STRICT;
CREATE TABLE document (
  collection INTEGER NOT NULL,
  id TEXT NOT NULL,
  number INTEGER PRIMARY KEY,
  revision INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER,
  entries TEXT NOT NULL,
  body ANY NOT NULL,
  UNIQUE (collection, id)
) STRICT;
CREATE UNIQUE INDEX document_feed ON document (collection, revision);
CREATE INDEX document_expiry ON document (collection, expires_at, id) WHERE expires_at IS NOT NULL;
CREATE TABLE document_entry (
  collection INTEGER NOT NULL,
  name TEXT NOT NULL,
  member TEXT NOT NULL,
  document INTEGER NOT NULL,
  sole INTEGER NOT NULL,
  PRIMARY KEY (collection, name, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE document_tombstone (
  collection INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (collection, revision)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX document_tombstone_id ON document_tombstone (collection, id);
`;
