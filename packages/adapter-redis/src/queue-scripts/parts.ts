/**
 * Pieces of Lua that the queue's scripts share. KEYS[1] is `PREFIX:jobs`; every other key is made from that prefix, whose hash tag puts the queue in
 * one slot.
 *
 *   jobs       HASH id -> body as pushed
 *   marks      HASH id -> `runs:stalls:priority:startedAt:dedupeKey`, only where one of them is not its default
 *   waiting    LIST of ids of priority 0, next to run first
 *   ranked     ZSET of ids of other priorities; score = -priority * 2^42 + a number that grows with arrival
 *   holes      SET of ids that no longer wait but still stand in `waiting` or `ranked`; dropped when their turn comes, so nothing searches a list
 *   delayed    ZSET id -> due ms
 *   active     ZSET id -> ms when taken
 *   sessions   ZSET session -> ms when its leases end: one ZADD renews them all
 *   session:S  SET of the ids that session S leases: the fencing token
 *   reply:S    the last exchange of session S, for its repeat; ends by itself
 *   cancelling SET of active ids that someone asked to cancel
 *   completed, failed, cancelled  ZSET id -> ms when finished; results, errors, progress  HASH id -> text
 *   dedupe     HASH key -> id of the unfinished job that holds it
 *   wake       LIST of at most one element, for BLPOP
 *   paused     STRING, there while the queue is paused
 *   listed     STRING, the ms at which the queue was listed last (names.ts); not there when it may be off the list
 *   meta       HASH: the counters behind the scores of `ranked`
 *
 * Lists passed to `unpack` hold at most 2,000 elements.
 */
export const BASE = `
local q = string.sub(KEYS[1], 1, -5)
local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function int(n) return string.format('%.0f', n) end
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

/** finish(id, state, started, runs, stalls, priority, key): a job that stands nowhere is kept as finished, and its dedupe key is free. Needs MARK. */
export const FINISH = `
local function freeKey(id, key)
  if key ~= '' and call('HGET', q .. 'dedupe', key) == id then call('HDEL', q .. 'dedupe', key) end
end
local function finish(id, state, started, runs, stalls, priority, key)
  call('ZADD', q .. state, now, id)
  putMark(id, runs, stalls, priority, started, '')
  freeKey(id, key)
end
`;

/** forget(ids): removes all that is kept of jobs that stand nowhere. trim(state, count, ms): keeps both bounds (without ms the number only,
 * once it is exceeded by a sixteenth); at most 500 jobs a call; true when more remain. */
export const TRIM = `
local function forget(ids)
  for _, kept in ipairs({'jobs', 'marks', 'results', 'errors', 'progress'}) do call('HDEL', q .. kept, unpack(ids)) end
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
