/**
 * Made for few and narrow writes: a job's own row is written when it is pushed and when something out of the ordinary befalls it (a retry, a delay, a
 * cancellation, progress), and read otherwise. To claim is to cut the head off `job_line` and to note the ids in the session's row; to complete is to add
 * to `job_end`, and a row for all to `job_batch`. So what a transaction changes lies on few pages. A job with a row in `job_end` has finished; else one with `due_at` is delayed, one in the
 * line (not as a hole) or aside waits, and any other is active: its session holds it.
 */
export const QUEUE_SCHEMA = `
-- A queue and how many jobs it has in each state, so that nothing is ever counted.
CREATE TABLE queue (
  namespace INTEGER NOT NULL,
  name TEXT NOT NULL,
  number INTEGER PRIMARY KEY,
  paused INTEGER NOT NULL DEFAULT 0,
  -- JSON; NULL for none. Then the window of its rate: when it began, and the starts in it.
  limits TEXT,
  begun_at INTEGER,
  used INTEGER NOT NULL DEFAULT 0,
  -- Waiting jobs that stepped aside, and active jobs that are in a group.
  aside INTEGER NOT NULL DEFAULT 0,
  grouped INTEGER NOT NULL DEFAULT 0,
  -- About when it was pushed to last; NULL while it is off the list.
  listed_at INTEGER,
  -- The last places given at either end of the line.
  front INTEGER NOT NULL DEFAULT 0,
  back INTEGER NOT NULL DEFAULT 0,
  waiting INTEGER NOT NULL DEFAULT 0,
  delayed INTEGER NOT NULL DEFAULT 0,
  active INTEGER NOT NULL DEFAULT 0,
  completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  cancelled INTEGER NOT NULL DEFAULT 0,
  -- How many schedules it has.
  schedules INTEGER NOT NULL DEFAULT 0,
  -- Rows of job_kin and of job_owed.
  kin INTEGER NOT NULL DEFAULT 0,
  owed INTEGER NOT NULL DEFAULT 0,
  -- The last turn given to what is owed.
  turn INTEGER NOT NULL DEFAULT 0,
  UNIQUE (namespace, name)
) STRICT;
CREATE INDEX queue_unlisted ON queue (number) WHERE listed_at IS NULL;

CREATE TABLE job (
  number INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  priority INTEGER NOT NULL,
  -- Where it stands in the line, or stood last.
  place INTEGER,
  due_at INTEGER,
  -- Runs that ended otherwise than by completing or being handed back.
  runs INTEGER NOT NULL DEFAULT 0,
  stalls INTEGER NOT NULL DEFAULT 0,
  -- 1 when someone asked to cancel the active job.
  asked INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER,
  -- Of an unfinished job.
  dedupe_key TEXT,
  in_group TEXT,
  progress TEXT,
  error TEXT,
  body ANY NOT NULL
) STRICT;
CREATE UNIQUE INDEX job_id ON job (queue, id);
CREATE UNIQUE INDEX job_dedupe ON job (queue, dedupe_key) WHERE dedupe_key IS NOT NULL;
CREATE INDEX job_due ON job (queue, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX job_asked ON job (queue) WHERE asked = 1;

-- Who waits, next to run first; rank is the priority negated. A job that was cancelled while it waited leaves a hole until its turn would have come.
CREATE TABLE job_line (
  queue INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  place INTEGER NOT NULL,
  job INTEGER NOT NULL,
  hole INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (queue, rank, place)
) STRICT, WITHOUT ROWID;

-- Groups with active jobs, jobs aside or a window under way. rank and place are those of the first job aside, NULL without one. ready: that one may have
-- room. rests: it had none, until the window ends.
CREATE TABLE job_group (
  number INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  name TEXT NOT NULL,
  active INTEGER NOT NULL DEFAULT 0,
  begun_at INTEGER,
  used INTEGER NOT NULL DEFAULT 0,
  rank INTEGER,
  place INTEGER,
  ready INTEGER NOT NULL DEFAULT 0,
  rests INTEGER NOT NULL DEFAULT 0,
  UNIQUE (queue, name)
) STRICT;
CREATE INDEX job_group_ready ON job_group (queue, rank, place) WHERE ready = 1;
CREATE INDEX job_group_rests ON job_group (queue, begun_at) WHERE rests = 1;
CREATE INDEX job_group_window ON job_group (queue, begun_at) WHERE begun_at IS NOT NULL;

-- Jobs that stepped aside for the limit of their group (its number), next to run first.
CREATE TABLE job_aside (
  job INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  team INTEGER NOT NULL,
  rank INTEGER NOT NULL,
  place INTEGER NOT NULL
) STRICT;
CREATE INDEX job_aside_team ON job_aside (team, rank, place);
CREATE INDEX job_aside_order ON job_aside (queue, rank, place);

-- Finished jobs.
CREATE TABLE job_end (
  job INTEGER PRIMARY KEY,
  batch INTEGER NOT NULL,
  started_at INTEGER,
  result TEXT
) STRICT;
-- Those that finished in one step with one outcome. state: 0 completed, 1 failed, 2 cancelled. jobs: their numbers, as JSON.
CREATE TABLE job_batch (
  number INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  state INTEGER NOT NULL,
  finished_at INTEGER NOT NULL,
  jobs TEXT NOT NULL
) STRICT;
CREATE INDEX job_batch_order ON job_batch (queue, state, finished_at, number);

-- Jobs with a parent, and those that await parts: how many must still come, NULL for a job that never awaited any. A held job is due later than any time.
CREATE TABLE job_kin (
  job INTEGER PRIMARY KEY,
  parent TEXT,
  awaits INTEGER
) STRICT;
-- The newest outcome of each part that was delivered. fails: 1 for one that fails the job.
CREATE TABLE job_part (
  job INTEGER NOT NULL,
  part TEXT NOT NULL,
  turn INTEGER NOT NULL,
  fails INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (job, part)
) STRICT, WITHOUT ROWID;
-- What finished jobs owe their parents. due_at: not to be looked at before. missed_at: when it was first put off.
CREATE TABLE job_owed (
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  turn INTEGER NOT NULL,
  parent TEXT NOT NULL,
  state TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  missed_at INTEGER,
  text TEXT,
  PRIMARY KEY (queue, id)
) STRICT;
CREATE INDEX job_owed_due ON job_owed (queue, due_at, id);

-- What the runs of a job have logged, numbered from 1.
CREATE TABLE job_log (
  job INTEGER NOT NULL,
  number INTEGER NOT NULL,
  at INTEGER NOT NULL,
  line ANY NOT NULL,
  PRIMARY KEY (job, number)
) STRICT, WITHOUT ROWID;

-- Worker sessions. held: the leases, as JSON: id, number, started ms of each job, in the order in which they were claimed.
-- expires_at: when they end; NULL once they have been taken away, and then the row only keeps the last exchange, for its repeat.
CREATE TABLE job_session (
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  expires_at INTEGER,
  held TEXT NOT NULL,
  nonce TEXT NOT NULL,
  -- The answer to the nonce: created, how many of the last leases it gave, refused ids; JSON.
  reply TEXT NOT NULL,
  kept_until INTEGER NOT NULL,
  UNIQUE (queue, id)
) STRICT;
CREATE INDEX job_session_kept ON job_session (kept_until) WHERE expires_at IS NULL;

-- next_at: the first tick that has not been fired; last_at: the newest that made a job.
CREATE TABLE queue_schedule (
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  timing ANY NOT NULL,
  template ANY NOT NULL,
  next_at INTEGER NOT NULL,
  last_at INTEGER,
  UNIQUE (queue, id)
) STRICT;
CREATE INDEX queue_schedule_next ON queue_schedule (queue, next_at, id);
`;
