import type { RedisScript } from './connection.ts';
import { PRELUDE, REMOVAL } from './document-lua.ts';

/** Expired entries that one page steps over, so that none takes long. */
const SKIPPED_AT_ONCE = 1_000;

/** How many collections are listed; names come from code, so more than this is a name made of user input. */
export const MAX_LISTED = 10_000;

/** ARGV: ids. Answers `[revision, created, updated, expires, body]` or nil for each. O(ids). */
export const READ: RedisScript = {
  name: 'portolanDocumentRead',
  lua: `${PRELUDE}
local documents = {}
for i, id in ipairs(ARGV) do documents[i] = load(id) end
return documents
`,
};

/**
 * ARGV, six per write: op, id, expect, body, entries, expires. Checks everything, then writes everything. Answers
 * `[1, now, revision, created, …]` or `[0, index of the write, reason, stored revision, index, holder]`. O(writes · entries · log n).
 */
export const COMMIT: RedisScript = {
  name: 'portolanDocumentCommit',
  lua: `${PRELUDE}${REMOVAL}
sweep()
-- What is stored under the id; an expired document that the sweep has not reached is deleted on the way.
local function current(id)
  local kept = redis.call('HMGET', base .. 'item:' .. id, 'revision', 'created', 'expires', 'entries')
  if not kept[1] then return false end
  if not expired(kept[3]) then return kept end
  remove(id, kept[4])
  return false
end

local former, batch, entries = {}, {}, {}
for at = 1, #ARGV, 6 do
  local id = ARGV[at + 1]
  former[at] = current(id)
  batch[id] = true
  entries[at] = ARGV[at + 4] == '[]' and {} or cjson.decode(ARGV[at + 4])
end

local claimed = {}
for at = 1, #ARGV, 6 do
  local id, expect, old = ARGV[at + 1], ARGV[at + 2], former[at]
  local place = (at - 1) / 6
  if expect == 'absent' then
    if old then return { 0, place, 'exists', old[1] } end
  elseif expect ~= 'any' then
    if not old then return { 0, place, 'missing' } end
    if expect ~= 'present' and expect ~= old[1] then return { 0, place, 'revision', old[1] } end
  end
  for _, entry in ipairs(entries[at]) do
    if entry[3] == 1 then
      local claim = entry[1] .. ' ' .. entry[2]
      local holder = claimed[claim]
      if not holder then
        holder = redis.call('HGET', base .. 'unique:' .. entry[1], entry[2])
        if holder and (batch[holder] or not current(holder)) then holder = false end
      end
      if holder and holder ~= id then return { 0, place, 'unique', '', entry[1], holder } end
      claimed[claim] = id
    end
  end
end

-- Keys that the batch gives up are free before the first is claimed; a version with the same entries keeps them untouched.
local same = {}
for at = 1, #ARGV, 6 do
  local old = former[at]
  if old and ARGV[at] == 'put' then
    same[at] = old[4] == ARGV[at + 4]
    if not same[at] then release(ARGV[at + 1], old[4]) end
  end
end

local result = { 1, whole(now) }
for at = 1, #ARGV, 6 do
  local id, old = ARGV[at + 1], former[at]
  local revision, created = '0', '0'
  if ARGV[at] == 'put' then
    local expires = ARGV[at + 5]
    revision = whole(redis.call('INCR', KEYS[1]))
    created = old and old[2] or whole(now)
    redis.call('HSET', base .. 'item:' .. id, 'body', ARGV[at + 3], 'revision', revision, 'created', created,
      'updated', whole(now), 'expires', expires, 'entries', ARGV[at + 4])
    redis.call('ZADD', base .. 'feed', revision, id)
    if expires ~= '' then
      redis.call('ZADD', base .. 'expiry', expires, id)
    elseif old and old[3] ~= '' then
      redis.call('ZREM', base .. 'expiry', id)
    end
    if not old then
      redis.call('ZADD', base .. 'ids', 0, encode(id))
      redis.call('ZREM', base .. 'deleted', id)
    end
    if not same[at] then
      local tail = '  ' .. encode(id)
      for _, entry in ipairs(entries[at]) do
        redis.call('ZADD', base .. 'index:' .. entry[1], 0, entry[2] .. tail)
        if entry[3] == 1 then redis.call('HSET', base .. 'unique:' .. entry[1], entry[2], id) end
      end
    end
  elseif old then
    revision, created = remove(id, old[4]), old[2]
  end
  result[#result + 1] = revision
  result[#result + 1] = created
end
return result
`,
};

/**
 * ARGV: 'ids' or 'index:NAME', lower and upper bound as ZRANGEBYLEX takes them, '1' for reverse, limit. Answers
 * `[next or '', id, revision, created, updated, expires, body, …]`. O(limit), stepping over at most 1,000 expired entries.
 */
export const SCAN: RedisScript = {
  name: 'portolanDocumentScan',
  lua: `${PRELUDE}${REMOVAL}
sweep()
local key, low, high, reverse, limit = base .. ARGV[1], ARGV[2], ARGV[3], ARGV[4] == '1', tonumber(ARGV[5])
local budget = limit + ${SKIPPED_AT_ONCE}
local page, count, last = { '' }, 0, ''
while budget > 0 do
  -- One more than is asked for tells whether something follows.
  local chunk = math.min(limit - count + 1, budget)
  local members
  if reverse then
    members = redis.call('ZREVRANGEBYLEX', key, high, low, 'LIMIT', 0, chunk)
  else
    members = redis.call('ZRANGEBYLEX', key, low, high, 'LIMIT', 0, chunk)
  end
  for _, member in ipairs(members) do
    local id = idOf(member)
    local kept = load(id)
    if kept and count == limit then
      page[1] = last
      return page
    end
    last = member
    if kept then
      count = count + 1
      page[#page + 1] = id
      for _, field in ipairs(kept) do page[#page + 1] = field end
    end
  end
  if #members < chunk then return page end
  budget = budget - #members
  if reverse then high = '(' .. last else low = '(' .. last end
end
page[1] = last
return page
`,
};

/**
 * ARGV: after, limit. Answers `[revision to go on from, 1 if it is a gap, (revision of the change, id, document as READ gives it or nil), …]`.
 * O(limit + log n).
 */
export const CHANGES: RedisScript = {
  name: 'portolanDocumentChanges',
  lua: `${PRELUDE}${REMOVAL}
sweep()
local revision = redis.call('GET', KEYS[1]) or '0'
local floor = redis.call('GET', base .. 'floor') or '0'
local after, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
if after > tonumber(revision) or (after > 0 and after < tonumber(floor)) then return { revision, 1 } end
local function since(key)
  return redis.call('ZRANGEBYSCORE', base .. key, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, limit)
end
local live, gone = since('feed'), since('deleted')
local changes, l, g = { revision, 0 }, 1, 1
for looked = 1, limit do
  local put, deletion = tonumber(live[l + 1]), tonumber(gone[g + 1])
  if not put and not deletion then break end
  local at
  if put and (not deletion or put < deletion) then
    at = live[l + 1]
    local kept = load(live[l])
    -- An expired document that no sweep has reached will come as a deletion.
    if kept then
      changes[#changes + 1] = at
      changes[#changes + 1] = live[l]
      changes[#changes + 1] = kept
    end
    l = l + 2
  else
    at = gone[g + 1]
    changes[#changes + 1] = at
    changes[#changes + 1] = gone[g]
    changes[#changes + 1] = false
    g = g + 2
  end
  if looked == limit then changes[1] = at end
end
return changes
`,
};

/** Answers `[documents, last revision]` of the collection. O(log n). */
export const SUMMARY: RedisScript = {
  name: 'portolanDocumentSummary',
  lua: `${PRELUDE}
local documents = redis.call('ZCARD', base .. 'ids') - redis.call('ZCOUNT', base .. 'expiry', '-inf', whole(now))
return { documents, redis.call('GET', KEYS[1]) or '0' }
`,
};

/** KEYS[1]: the set of collections; ARGV: name, how many it may hold. A name beyond that works but is not listed. O(log n). */
export const REGISTER: RedisScript = {
  name: 'portolanDocumentRegister',
  lua: `
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[2]) then redis.call('ZADD', KEYS[1], 0, ARGV[1]) end
return 1
`,
};
