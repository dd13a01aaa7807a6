import { HELD_DUE_AT } from '@portolan/core';

/**
 * Pieces of Lua that the queue's scripts share. KEYS[1] is `PREFIX:jobs`; every other key is made from that prefix, whose hash tag puts the queue in
 * one slot.
 *
 *   jobs       HASH id -> body as pushed
 *   marks      HASH id -> `runs:stalls:priority:startedAt:dedupeKey`, only where one of them is not its default; none for a job that completes at its first run
 *   waiting    LIST of ids of priority 0, next to run first
 *   ranked     ZSET of ids of other priorities; score = -priority * 2^42 + a number that grows with arrival
 *   holes      SET of ids that no longer wait but still stand in `waiting` or `ranked`; dropped when their turn comes, so nothing searches a list
 *   delayed    ZSET id -> due ms; HELD for one that awaits parts
 *   parents    HASH id -> parent, of the jobs that have one
 *   awaits     ZSET id -> how many parts must still come, of the jobs that await or awaited some
 *   parts:ID   HASH part -> `turn:fails (0 or 1):text`, of job ID
 *   owed       ZSET id -> ms before which nobody is to look at what the job owes its parent
 *   debts      HASH id -> `turn:ms when it was first put off or nothing:state:length of the parent:parent`, and the text behind `:` if there is one
 *   sessions   ZSET session -> ms when its leases end: one ZADD renews them all
 *   session:S  HASH id -> ms when taken, of the jobs that session S leases: the fencing token; and under the empty id its last exchange, for its
 *              repeat, which is kept for a while after the session has ended
 *   cancelling SET of active ids that someone asked to cancel
 *   completed, failed, cancelled  ZSET id -> ms when finished
 *   results    HASH id -> `{"startedAt":ms,"result":text}` of a completed job; errors, progress  HASH id -> text
 *   log:I      LIST of the lines that the runs of job I have logged, each behind its ms and a blank; logged  SET of the ids that have such a list
 *   dedupe     HASH key -> id of the unfinished job that holds it
 *   wake       LIST of at most one element, for BLPOP
 *   schedules  ZSET schedule -> ms of its next tick; timings, templates  HASH schedule -> text; ticks  HASH schedule -> ms of the newest tick that made a job
 *   paused     STRING, there while the queue is paused
 *   listed     STRING, the ms at which the queue was listed last (names.ts); not there when it may be off the list
 *   reconciled STRING, there while no further reconcile is due (reconcile.ts); seen:SALT, bits of the ids in `waiting` while one searches
 *   meta       HASH: the counters behind the scores of `ranked`, the last turn given to what is owed
 *
 * and for limits and groups those described in groups.ts.
 *
 * Lists passed to `unpack` hold at most 2,000 elements.
 */
export const BASE = `
local q = string.sub(KEYS[1], 1, -5)
local call = redis.call
local clock = call('TIME')
local nowText = clock[1] .. string.sub('00000' .. clock[2], -6, -4)
local now = tonumber(nowText)
local HELD = ${HELD_DUE_AT}
-- Numbers are passed on as text: Redis takes longer over them than Lua.
local function int(n) return string.format('%d', n) end
local function wake() if call('LLEN', q .. 'wake') == 0 then call('RPUSH', q .. 'wake', '1') end end
`;

/** mark(text) -> runs, stalls, priority, startedAt, dedupeKey; toMark, its inverse; putMark keeps the default out of the store. */
export const MARK = `
local function mark(text)
  if not text then return 0, 0, 0, 0, '' end
  local runs, stalls, priority, started, key = string.match(text, '^(%d+):(%d+):(-?%d+):(%d+):(.*)$')
  return tonumber(runs), tonumber(stalls), tonumber(priority), tonumber(started), key
end
local function toMark(runs, stalls, priority, started, key)
  return int(runs) .. ':' .. int(stalls) .. ':' .. int(priority) .. ':' .. int(started) .. ':' .. key
end
local function putMark(id, ...)
  local text = toMark(...)
  if text == '0:0:0:0:' then call('HDEL', q .. 'marks', id) else call('HSET', q .. 'marks', id, text) end
end
`;

/**
 * owe(id, state, text): a job that finishes owes that to its parent, if it has one. Turns are microseconds of the store's clock, so that they go on where they
 * were though `meta` is lost. owes() -> 1 when something is owed that is not put off, else 0. admit(id, priority): a job that stands nowhere waits, in its old
 * place if it has left a hole there. Needs ENTER.
 */
export const OWE = `
local function owe(id, state, text)
  local parent = call('HGET', q .. 'parents', id)
  if not parent then return end
  local turn = int(math.max(clock[1] * 1000000 + clock[2], tonumber(call('HGET', q .. 'meta', 'turn') or 0) + 1))
  call('HSET', q .. 'meta', 'turn', turn)
  call('HSET', q .. 'debts', id, turn .. '::' .. state .. ':' .. #parent .. ':' .. parent .. (text and ':' .. text or ''))
  call('ZADD', q .. 'owed', nowText, id)
end
local function owes()
  local head = call('ZRANGE', q .. 'owed', 0, 0, 'WITHSCORES')
  return head[2] and tonumber(head[2]) <= now and 1 or 0
end
local function admit(id, priority)
  if call('SREM', q .. 'holes', id) == 0 then enter(id, priority, false) end
end
`;

/** enter(id, priority, front): a job that stands nowhere waits. */
export const ENTER = `
local function enter(id, priority, front)
  if priority == 0 then
    call(front and 'LPUSH' or 'RPUSH', q .. 'waiting', id)
  else
    local n = call('HINCRBY', q .. 'meta', front and 'front' or 'back', front and -1 or 1)
    call('ZADD', q .. 'ranked', int(-priority * 4398046511104 + n), id)
  end
end
`;

/**
 * Who leases what. takenAt(id) -> ms when the job was taken, or nothing for one that nobody leases: one HGET per session. leases() -> {id, ms when taken} of
 * every leased job, longest running first; O(active).
 */
export const LEASES = `
local function takenAt(id)
  for _, sid in ipairs(call('ZRANGE', q .. 'sessions', 0, -1)) do
    local started = call('HGET', q .. 'session:' .. sid, id)
    if started then return started end
  end
end
local function leases()
  local all = {}
  for _, sid in ipairs(call('ZRANGE', q .. 'sessions', 0, -1)) do
    local flat = call('HGETALL', q .. 'session:' .. sid)
    for i = 1, #flat, 2 do
      if flat[i] ~= '' then all[#all + 1] = {flat[i], flat[i + 1]} end
    end
  end
  table.sort(all, function(a, b) return a[2] < b[2] or (a[2] == b[2] and a[1] < b[1]) end)
  return all
end
local function activeCount()
  local count = 0
  for _, sid in ipairs(call('ZRANGE', q .. 'sessions', 0, -1)) do
    count = count + call('HLEN', q .. 'session:' .. sid) - call('HEXISTS', q .. 'session:' .. sid, '')
  end
  return count
end
`;

/** toCancel() -> ids leased by the session that someone asked to cancel; looks at 1,000 of them. */
export const TO_CANCEL = `
local function toCancel(session)
  local asked, found = call('SRANDMEMBER', q .. 'cancelling', 1000), {}
  if #asked == 0 then return found end
  for i, started in ipairs(call('HMGET', session, unpack(asked))) do
    if started then found[#found + 1] = asked[i] end
  end
  return found
end
`;

/**
 * marksOf(ids) -> their marks, or nothing when no job of the queue has any. dueIn() -> ms until time gives something to claim, -1 for never; delayedIn(), the same of what is
 * delayed. Needs LIMITS.
 */
export const DUE = `
local function marksOf(ids)
  if #ids == 0 or call('EXISTS', q .. 'marks') == 0 then return {} end
  return call('HMGET', q .. 'marks', unpack(ids))
end
local function delayedIn()
  local head = call('ZRANGE', q .. 'delayed', 0, 0, 'WITHSCORES')
  local at = tonumber(head[2] or HELD)
  return at == HELD and -1 or math.max(at - now, 0)
end
local function dueIn()
  local due = delayedIn()
  local ends = limits and windowsEndIn() or -1
  if due < 0 or ends < 0 then return math.max(due, ends) end
  return math.min(due, ends)
end
`;

/** fromResult(text) -> started ms, result: the inverse of what the exchange keeps of a completed job. */
export const RESULT = `
local function fromResult(text)
  if not text then return false, false end
  local started, result = string.match(text, '^{"startedAt":(%d+),"result":(.*)}$')
  return started, result
end
`;

/**
 * finish(id, state, started, runs, stalls, priority, key, error): a job that stands nowhere is kept as finished without a result, its dedupe key is free, and
 * its parent is owed the error (the one that is kept, if not said). Needs MARK and OWE.
 */
export const FINISH = `
local function freeKey(id, key)
  if key ~= '' and call('HGET', q .. 'dedupe', key) == id then call('HDEL', q .. 'dedupe', key) end
end
local function finish(id, state, started, runs, stalls, priority, key, error)
  call('ZADD', q .. state, nowText, id)
  putMark(id, runs, stalls, priority, started, '')
  freeKey(id, key)
  if call('EXISTS', q .. 'parents') == 1 then owe(id, state, error or call('HGET', q .. 'errors', id)) end
end
`;

/** forget(ids): removes all that is kept of jobs that stand nowhere. trim(state, count, ms): keeps both bounds (without ms the number only,
 * once it is exceeded by a sixteenth); at most 500 jobs a call; true when more remain. */
export const TRIM = `
local function forget(ids)
  call('HDEL', KEYS[1], unpack(ids))
  for _, kept in ipairs({'marks', 'results', 'errors', 'progress', 'groups'}) do
    if call('EXISTS', q .. kept) == 1 then call('HDEL', q .. kept, unpack(ids)) end
  end
  if call('EXISTS', q .. 'logged') == 1 then
    for i, has in ipairs(call('SMISMEMBER', q .. 'logged', unpack(ids))) do
      if has == 1 then call('UNLINK', q .. 'log:' .. ids[i]) end
    end
    call('SREM', q .. 'logged', unpack(ids))
  end
  if call('EXISTS', q .. 'parents', q .. 'awaits') == 0 then return end
  call('HDEL', q .. 'parents', unpack(ids))
  call('ZREM', q .. 'awaits', unpack(ids))
  for _, id in ipairs(ids) do call('UNLINK', q .. 'parts:' .. id) end
end
local function trim(state, count, ms)
  local set = q .. state
  local size = call('ZCARD', set)
  if size == 0 or (not ms and size <= count + math.floor(count / 16)) then return false end
  local over = math.min(math.max(size - count, ms and call('ZCOUNT', set, '-inf', int(now - ms)) or 0), 500)
  if over <= 0 then return false end
  local popped, ids = call('ZPOPMIN', set, over), {}
  for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
  forget(ids)
  return over == 500
end
`;
