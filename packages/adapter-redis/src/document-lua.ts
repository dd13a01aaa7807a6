import { MAX_TOMBSTONES } from '@portolan/core';

/** Expired documents that one call deletes, so that none takes long. */
const SWEPT_AT_ONCE = 100;

/**
 * KEYS[1] is the collection's revision counter; all its other keys share the prefix and the hash tag. Item hashes hold `body` (only ever
 * copied), `revision`, `created`, `updated`, `expires` ('' for never) and `entries`, the index entries of this version as a JSON list of
 * [index, key, 1 if unique]: decoded here to remove them, never encoded. A Lua number becomes text through '%.0f': plain tostring keeps 14 digits.
 * An id in an index is encoded as `encodeText` of core does.
 */
export const PRELUDE = String.raw`
local base = string.sub(KEYS[1], 1, -(#'revision' + 1))
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function whole(number) return string.format('%.0f', number) end
local function encode(id)
  return (string.gsub(id, '[^\34-\125]', function(c)
    local byte = string.byte(c)
    return string.format(byte < 34 and '!%02x' or '~%02x', byte)
  end))
end
local function idOf(member)
  local encoded = string.match(member, '^.* (.*)$') or member
  return (string.gsub(encoded, '[!~](%x%x)', function(hex) return string.char(tonumber(hex, 16)) end))
end
local function expired(expires) return expires ~= '' and tonumber(expires) <= now end
local function load(id)
  local kept = redis.call('HMGET', base .. 'item:' .. id, 'revision', 'created', 'updated', 'expires', 'body')
  if kept[1] and not expired(kept[4]) then return kept end
  return false
end
`;

/** The steps of a deletion. `sweep` deletes up to 100 expired documents, each as a change of its own: O(100 · entries · log n). */
export const REMOVAL = `
local function release(id, entries)
  local tail = '  ' .. encode(id)
  for _, entry in ipairs(cjson.decode(entries)) do
    redis.call('ZREM', base .. 'index:' .. entry[1], entry[2] .. tail)
    if entry[3] == 1 then
      local unique = base .. 'unique:' .. entry[1]
      if redis.call('HGET', unique, entry[2]) == id then redis.call('HDEL', unique, entry[2]) end
    end
  end
end
local function forgetSurplus()
  local surplus = redis.call('ZCARD', base .. 'deleted') - ${MAX_TOMBSTONES}
  if surplus <= 0 then return end
  local forgotten = redis.call('ZPOPMIN', base .. 'deleted', surplus)
  local floor = redis.call('GET', base .. 'floor')
  if not floor or tonumber(floor) < tonumber(forgotten[#forgotten]) then
    redis.call('SET', base .. 'floor', forgotten[#forgotten])
  end
end
local function remove(id, entries)
  release(id, entries)
  redis.call('DEL', base .. 'item:' .. id)
  redis.call('ZREM', base .. 'ids', encode(id))
  redis.call('ZREM', base .. 'expiry', id)
  redis.call('ZREM', base .. 'feed', id)
  local revision = whole(redis.call('INCR', KEYS[1]))
  redis.call('ZADD', base .. 'deleted', revision, id)
  forgetSurplus()
  return revision
end
local function sweep()
  local ids = redis.call('ZRANGEBYSCORE', base .. 'expiry', '-inf', whole(now), 'LIMIT', 0, ${SWEPT_AT_ONCE})
  for _, id in ipairs(ids) do remove(id, redis.call('HGET', base .. 'item:' .. id, 'entries') or '[]') end
end
`;
