-- A memory file as the first schema laid it down, with two memories. Never edited.
PRAGMA journal_mode=WAL;
BEGIN;
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE namespace (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL);
CREATE TABLE memory (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  position INTEGER NOT NULL,
  version INTEGER NOT NULL,
  at INTEGER NOT NULL,
  at_offset INTEGER NOT NULL,
  recorded_at INTEGER NOT NULL,
  retired_at INTEGER,
  valid_from INTEGER,
  valid_from_offset INTEGER,
  valid_until INTEGER,
  valid_until_offset INTEGER,
  expires_at INTEGER,
  expires_at_offset INTEGER,
  trust REAL NOT NULL,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  speaker TEXT,
  role TEXT,
  session TEXT,
  made_by TEXT,
  run TEXT,
  sources TEXT,
  metadata NOT NULL,
  text NOT NULL,
  data
);
CREATE UNIQUE INDEX memory_live_id ON memory (ns, id) WHERE retired_at IS NULL;
CREATE INDEX memory_old_id ON memory (ns, id) WHERE retired_at IS NOT NULL;
CREATE INDEX memory_live_position ON memory (ns, position) WHERE retired_at IS NULL;
CREATE INDEX memory_live_at ON memory (ns, at, position) WHERE retired_at IS NULL;
CREATE INDEX memory_run ON memory (ns, run) WHERE run IS NOT NULL;
CREATE TABLE encoding (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  pieces INTEGER NOT NULL,
  digest BLOB,
  tokens BLOB NOT NULL,
  vectors BLOB
);
CREATE INDEX encoding_pending ON encoding (ns) WHERE vectors IS NULL;
CREATE INDEX encoding_digest ON encoding (digest) WHERE digest IS NOT NULL;
CREATE TABLE term (id INTEGER PRIMARY KEY, word NOT NULL UNIQUE);
CREATE TABLE source (
  ns INTEGER NOT NULL,
  source TEXT NOT NULL,
  row INTEGER NOT NULL,
  PRIMARY KEY (ns, source, row)
) WITHOUT ROWID;
CREATE INDEX source_row ON source (row);
CREATE TABLE link (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  source TEXT NOT NULL,
  target TEXT NOT NULL,
  kind TEXT NOT NULL,
  weight REAL NOT NULL,
  recorded_at INTEGER NOT NULL,
  retired_at INTEGER,
  made_by TEXT,
  run TEXT
);
CREATE INDEX link_source ON link (ns, source);
CREATE INDEX link_target ON link (ns, target);
CREATE INDEX link_run ON link (ns, run) WHERE run IS NOT NULL;
CREATE TABLE artifact (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  made_by TEXT NOT NULL,
  version INTEGER NOT NULL,
  data NOT NULL
);
CREATE UNIQUE INDEX artifact_source ON artifact (ns, source, kind, made_by);
CREATE TABLE event (
  row INTEGER PRIMARY KEY,
  ns INTEGER NOT NULL,
  id TEXT NOT NULL,
  at INTEGER NOT NULL,
  at_offset INTEGER NOT NULL,
  grade TEXT NOT NULL
);
CREATE INDEX event_id ON event (ns, id);
CREATE TABLE undo (
  ns INTEGER NOT NULL,
  run TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (ns, run, id)
) WITHOUT ROWID;
CREATE TABLE change (
  ns INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  row INTEGER NOT NULL,
  op INTEGER NOT NULL,
  PRIMARY KEY (ns, seq)
) WITHOUT ROWID;
CREATE TABLE _sqlite_migrations (id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT);
CREATE UNIQUE INDEX idx__sqlite_migrations_migration_set_name ON _sqlite_migrations (migration_set, name);
INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('agentmem', 'm001_create', '2026-11-21 04:00:00');
INSERT INTO meta VALUES
  ('uuid', '00000000000000000000000000000001'), ('lowest_reader', 1), ('codec', 'plain'),
  ('vectors', 'float16'), ('erase_epoch', 0), ('row_floor', 0), ('term_floor', 0), ('ns_floor', 0),
  ('dim', 2), ('embedder', 'e'), ('fingerprint', 'f'), ('analyser', 'w');
INSERT INTO namespace VALUES (1, '["users","ada"]', 0);
INSERT INTO memory
  (row, ns, position, version, at, at_offset, recorded_at, trust, id, kind, sources, metadata, text) VALUES
  (1, 1, 1, 1, 1714564800000000, 120, 1714564800000000, 1.0, 'm1', 'episode', NULL, '{}', 'I moved to Bergen.'),
  (2, 1, 2, 1, 1714564860000000, 0, 1714564860000000, 0.5, 'm2', 'note', '["m1"]', '{"k":1}', 'Lives in Bergen.');
INSERT INTO source VALUES (1, 'm1', 2);
INSERT INTO term VALUES (1, 'move'), (2, 'bergen'), (3, 'live');
INSERT INTO encoding (row, ns, flags, pieces, digest, tokens, vectors) VALUES
  (1, 1, 0, 1, NULL, x'0100000002000000', x'cd38663a'),
  (2, 1, 0, 0, NULL, x'0300000002000000', NULL);
INSERT INTO change VALUES (1, 1, 1, 1), (1, 2, 2, 1);
PRAGMA application_id=1634168173;
PRAGMA user_version=1;
COMMIT;
