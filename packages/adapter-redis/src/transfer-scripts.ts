import type { RedisScript } from './connection.ts';
import { PRELUDE, REMOVAL } from './document-lua.ts';

/** A key with its expiry (absolute ms, -1 for never); nothing where it is absent. For keys whose size was found to be moderate. O(size). */
export const DUMP_KEY: RedisScript = {
  name: 'portolanTransferKey',
  lua: `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'string' then return {'value', redis.call('PEXPIRETIME', KEYS[1]), redis.call('GET', KEYS[1])} end
if kind == 'hash' then return {'fields', redis.call('PEXPIRETIME', KEYS[1]), redis.call('HGETALL', KEYS[1])} end
return false
`,
};

/** Adds fields to a key, which loses a value it holds. ARGV: absolute ms or 'never', then field, text. O(fields), at most 1,000 of them. */
export const LOAD_FIELDS: RedisScript = {
  name: 'portolanTransferFields',
  lua: `
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then redis.call('UNLINK', KEYS[1]) end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
if ARGV[1] == 'never' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIREAT', KEYS[1], ARGV[1]) end
return 1
`,
};

/** Answers a collection's revision, floor, and how many documents and deletions it holds. O(1). */
export const DUMP_COLLECTION: RedisScript = {
  name: 'portolanTransferCollection',
  lua: `${PRELUDE}
return { redis.call('GET', KEYS[1]) or '0', redis.call('GET', base .. 'floor') or '0',
  redis.call('ZCARD', base .. 'ids'), redis.call('ZCARD', base .. 'deleted') }
`,
};

/**
 * ARGV: lower bound as ZRANGEBYLEX takes it, limit, most bytes. Answers the member to go on behind ('' at the end), then id, revision, created, updated,
 * expires, body, entries of each live document. O(limit).
 */
export const DUMP_DOCUMENTS: RedisScript = {
  name: 'portolanTransferDocuments',
  lua: `${PRELUDE}
local limit, bytes = tonumber(ARGV[2]), tonumber(ARGV[3])
local members = redis.call('ZRANGEBYLEX', base .. 'ids', ARGV[1], '+', 'LIMIT', 0, limit)
local page = { #members == limit and members[limit] or '' }
for i, member in ipairs(members) do
  local id = idOf(member)
  local kept = redis.call('HMGET', base .. 'item:' .. id, 'revision', 'created', 'updated', 'expires', 'body', 'entries')
  if kept[1] and not expired(kept[4]) then
    page[#page + 1] = id
    for _, field in ipairs(kept) do page[#page + 1] = field end
    bytes = bytes - #kept[5]
    if bytes <= 0 and i < #members then
      page[1] = member
      return page
    end
  end
end
return page
`,
};

/**
 * Puts in documents, deletions and counters of another store; what stands under an id goes. ARGV, eight per record: 'collection', 'document' or 'tombstone',
 * id, revision, created, updated, expires, body, entries (of a collection only the revision, and the floor as id). O(records · entries · log n).
 */
export const LOAD_DOCUMENTS: RedisScript = {
  name: 'portolanTransferLoad',
  lua: `${PRELUDE}${REMOVAL}
local function raise(key, value)
  local stored = redis.call('GET', key)
  if not stored or tonumber(stored) < tonumber(value) then redis.call('SET', key, value) end
end
local function take(id)
  local old = redis.call('HGET', base .. 'item:' .. id, 'entries')
  if old then release(id, old) end
end
local highest = '0'
for at = 1, #ARGV, 8 do
  local what, id, revision = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if tonumber(revision) > tonumber(highest) then highest = revision end
  if what == 'collection' then
    if id ~= '0' then raise(base .. 'floor', id) end
  elseif what == 'tombstone' then
    local stored = redis.call('HGET', base .. 'item:' .. id, 'revision')
    if not stored or tonumber(stored) <= tonumber(revision) then
      take(id)
      redis.call('DEL', base .. 'item:' .. id)
      redis.call('ZREM', base .. 'ids', encode(id))
      redis.call('ZREM', base .. 'expiry', id)
      redis.call('ZREM', base .. 'feed', id)
      redis.call('ZADD', base .. 'deleted', revision, id)
    end
  elseif not expired(ARGV[at + 5]) then
    local expires, entries = ARGV[at + 5], ARGV[at + 7]
    take(id)
    redis.call('HSET', base .. 'item:' .. id, 'body', ARGV[at + 6], 'revision', revision, 'created', ARGV[at + 3],
      'updated', ARGV[at + 4], 'expires', expires, 'entries', entries)
    redis.call('ZADD', base .. 'feed', revision, id)
    redis.call('ZADD', base .. 'ids', 0, encode(id))
    redis.call('ZREM', base .. 'deleted', id)
    if expires ~= '' then redis.call('ZADD', base .. 'expiry', expires, id) else redis.call('ZREM', base .. 'expiry', id) end
    local tail = '  ' .. encode(id)
    for _, entry in ipairs(entries == '[]' and {} or cjson.decode(entries)) do
      redis.call('ZADD', base .. 'index:' .. entry[1], 0, entry[2] .. tail)
      if entry[3] == 1 then redis.call('HSET', base .. 'unique:' .. entry[1], entry[2], id) end
    end
  end
end
raise(KEYS[1], highest)
forgetSurplus()
return 1
`,
};
