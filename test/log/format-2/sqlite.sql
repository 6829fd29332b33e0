-- Format 2, as the first release creates it. Frozen: a later change of the tables is a step in src/log/format.ts.
CREATE TABLE deliveries (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  received_at INTEGER NOT NULL,
  method TEXT NOT NULL,
  url TEXT NOT NULL,
  remote TEXT,
  product TEXT,
  format TEXT,
  event TEXT,
  known INTEGER NOT NULL,
  accepted INTEGER NOT NULL,
  invalid INTEGER NOT NULL,
  status INTEGER,
  refusal TEXT,
  identity TEXT,
  duplicate_of INTEGER,
  records TEXT,
  verdicts TEXT,
  issues TEXT
) STRICT;
CREATE INDEX deliveries_by_time ON deliveries (received_at);
CREATE INDEX deliveries_by_event ON deliveries (product, event, n) WHERE event IS NOT NULL;
CREATE INDEX deliveries_by_identity ON deliveries (identity) WHERE accepted = 1 AND duplicate_of IS NULL;
CREATE INDEX deliveries_invalid ON deliveries (n) WHERE invalid = 1;
CREATE INDEX deliveries_unanswered ON deliveries (n) WHERE status IS NULL;
CREATE INDEX deliveries_refused ON deliveries (n, status) WHERE status >= 300;

CREATE TABLE contents (
  n INTEGER PRIMARY KEY,
  headers TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT;

CREATE TABLE forwards (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  n INTEGER NOT NULL,
  target TEXT NOT NULL,
  state INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER NOT NULL,
  order_key TEXT
) STRICT;
CREATE INDEX forwards_of_delivery ON forwards (n);
CREATE INDEX forwards_due ON forwards (target, due_at, id) WHERE state = 0;
CREATE INDEX forwards_in_order ON forwards (target, order_key, id) WHERE state < 2 AND order_key IS NOT NULL;
CREATE INDEX forwards_failed ON forwards (n) WHERE state = 3;

CREATE TABLE attempts (
  id INTEGER PRIMARY KEY,
  n INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  target TEXT NOT NULL,
  at INTEGER NOT NULL,
  status INTEGER,
  latency_ms REAL NOT NULL,
  error TEXT,
  reply TEXT,
  replay TEXT
) STRICT;
CREATE INDEX attempts_of_delivery ON attempts (n);

CREATE TABLE holder (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  pid INTEGER NOT NULL,
  url TEXT,
  since INTEGER NOT NULL
) STRICT;
