import type { RedisScript } from './connection.ts';

/** A value and its absolute expiry in ms (-1: never), read together; nothing where the key is absent or holds fields. O(1), one per key. */
export const readScript: RedisScript = {
  name: 'keyValueRead',
  lua: `
local value = redis.pcall('GET', KEYS[1])
if type(value) ~= 'string' then return false end
return {value, redis.call('PEXPIRETIME', KEYS[1])}
`,
};

/**
 * The named fields, in order, or nothing where the key is absent: HMGET alone answers the same for a missing key and for missing
 * fields. O(fields), in steps because unpack takes a few thousand at most.
 */
export const readFieldsScript: RedisScript = {
  name: 'keyValueReadFields',
  lua: `
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local values = {}
for first = 1, #ARGV, 2000 do
  local step = redis.call('HMGET', KEYS[1], unpack(ARGV, first, math.min(first + 1999, #ARGV)))
  for _, value in ipairs(step) do values[#values + 1] = value end
end
return values
`,
};

/** Kind, absolute expiry in ms (-1: never) and size of a key, for a listing; nothing where it is absent. O(1), one per key. */
export const describeScript: RedisScript = {
  name: 'keyValueDescribe',
  lua: `
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'string' then return {'value', redis.call('PEXPIRETIME', KEYS[1]), redis.call('STRLEN', KEYS[1])} end
if kind == 'hash' then return {'fields', redis.call('PEXPIRETIME', KEYS[1]), redis.call('HLEN', KEYS[1])} end
return false
`,
};

/** Sets the expiry of a key of either kind to never; 1 if it is there (PERSIST answers 0 for a key that had no expiry). O(1). */
export const persistScript: RedisScript = {
  name: 'keyValuePersist',
  lua: `
redis.call('PERSIST', KEYS[1])
return redis.call('EXISTS', KEYS[1])
`,
};

/**
 * Any commit: checks, then whether an op would meet the other kind of data, then the ops in order; a script cannot roll back, so what can
 * fail is found out before the first write. O(all arguments), and the length of a value per version check.
 *
 * KEYS: the keys, each once. ARGV: the number of checks; per check the key's number, 'absent' | 'present' | 'version', the version;
 * per op its name, the key's number, 'keep' | 'never' | absolute ms, the number of further arguments, these. Answers {0, failed check from 0} or
 * {1, counts...}.
 */
export const commitScript: RedisScript = {
  name: 'keyValueCommit',
  lua: `
local at = 2
for check = 0, tonumber(ARGV[1]) - 1 do
  local key, is, version = KEYS[tonumber(ARGV[at])], ARGV[at + 1], ARGV[at + 2]
  at = at + 3
  local holds
  if is == 'version' then
    local value = redis.pcall('GET', key)
    holds = type(value) == 'string' and redis.sha1hex(value) == version
  else
    holds = (redis.call('EXISTS', key) == 1) == (is == 'present')
  end
  if not holds then return {0, check} end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function past(expiry)
  local ms = tonumber(expiry)
  return ms ~= nil and ms <= now
end

local ops, kinds = {}, {}
while ARGV[at] do
  local op = {name = ARGV[at], key = KEYS[tonumber(ARGV[at + 1])], expiry = ARGV[at + 2], first = at + 4}
  op.last = at + 3 + tonumber(ARGV[at + 3])
  at = op.last + 1
  ops[#ops + 1] = op
  local kind = kinds[op.key] or redis.call('TYPE', op.key).ok
  if op.name == 'set' then
    kind = past(op.expiry) and 'none' or 'string'
  elseif op.name == 'delete' or (op.name == 'touch' and past(op.expiry)) then
    kind = 'none'
  elseif op.name ~= 'touch' and kind ~= 'hash' and kind ~= 'none' then
    return redis.error_reply('WRONGTYPE the key holds no fields')
  end
  kinds[op.key] = kind
end

local function stepped(command, op)
  local count = 0
  for first = op.first, op.last, 2000 do
    count = count + redis.call(command, op.key, unpack(ARGV, first, math.min(first + 1999, op.last)))
  end
  return count
end

local counts = {1}
for number, op in ipairs(ops) do
  local key, expiry, count = op.key, op.expiry, 1
  if op.name == 'set' then
    local value = ARGV[op.first]
    if past(expiry) then redis.call('UNLINK', key)
    elseif expiry == 'keep' then redis.call('SET', key, value, 'KEEPTTL')
    elseif expiry == 'never' then redis.call('SET', key, value)
    else redis.call('SET', key, value, 'PXAT', expiry) end
  elseif op.name == 'delete' then
    count = redis.call('UNLINK', key)
  elseif op.name == 'deleteFields' then
    count = stepped('HDEL', op)
  else
    count = op.name == 'setFields' and stepped('HSET', op) or redis.call('EXISTS', key)
    if expiry == 'never' then redis.call('PERSIST', key)
    elseif expiry ~= 'keep' then redis.call('PEXPIREAT', key, expiry) end
  end
  counts[number + 1] = count
end
return counts
`,
};
