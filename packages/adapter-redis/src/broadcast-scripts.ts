import type { RedisScript } from './connection.ts';

/** ms on Redis's clock, as a number and as text without an exponent. */
const NOW = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local nowText = string.format('%d', now)
`;

/**
 * Live members as id, joinedAt, lastSeen, info, ... A member lies in a sorted set by the ms it expires at, and in a hash as
 * 'joinedAt ttlMs cursor info'. O(live members).
 */
const LIVE_MEMBERS = `
local function liveMembers(set, hash)
  local live = {}
  local found = redis.call('ZRANGEBYSCORE', set, '(' .. nowText, '+inf', 'WITHSCORES')
  for i = 1, #found, 2 do
    local packed = redis.call('HGET', hash, found[i])
    if packed then
      local joinedAt, ttl, cursor, info = string.match(packed, '^(%d+) (%d+) (%S+) (.*)$')
      live[#live + 1] = found[i]
      live[#live + 1] = joinedAt
      live[#live + 1] = string.format('%d', found[i + 1] - ttl)
      live[#live + 1] = info
    end
  end
  return live
end
`;

/**
 * Appends messages, trims exactly, sets both expiries and publishes one hint. Ids are 'incarnation-sequence'; the incarnation is the ms at which
 * the counting began. Entries without their counter belong to an earlier incarnation and go. O(messages + trimmed [+ live members]).
 * KEYS stream, counter, members, info. ARGV channel, count, ms, ms of the counter, 1 for the members, data ...
 */
export const APPEND: RedisScript = {
  name: 'portolanBroadcastAppend',
  lua: `${NOW}${LIVE_MEMBERS}
local first = 6
local incarnation = redis.call('HGET', KEYS[2], 'incarnation')
if not incarnation then
  redis.call('DEL', KEYS[1])
  incarnation = nowText
  redis.call('HSET', KEYS[2], 'incarnation', incarnation)
end
local last = redis.call('HINCRBY', KEYS[2], 'sequence', #ARGV - first + 1)
for i = first, #ARGV do
  local id = incarnation .. '-' .. string.format('%d', last - (#ARGV - i))
  redis.call('XADD', KEYS[1], id, 'data', ARGV[i], 'at', nowText)
end
redis.call('XTRIM', KEYS[1], 'MAXLEN', '=', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('PUBLISH', ARGV[1], '')
return { incarnation, last, ARGV[5] == '1' and liveMembers(KEYS[3], KEYS[4]) or {} }`,
};

/**
 * Joins or beats. Removes up to 100 expired members in passing. The two member keys live as long as the longest-lived member.
 * O(log members). KEYS members, info, counter. ARGV id, ttlMs, info. Answers the cursor at joining, and 1 when it was not live before.
 */
export const JOIN: RedisScript = {
  name: 'portolanBroadcastJoin',
  lua: `${NOW}
local id, ttl = ARGV[1], ARGV[2]
local joinedAt, cursor
local expiry = redis.call('ZSCORE', KEYS[1], id)
if expiry and tonumber(expiry) > now then
  joinedAt, cursor = string.match(redis.call('HGET', KEYS[2], id) or '', '^(%d+) %d+ (%S+) ')
end
local joined = joinedAt and 0 or 1
if joined == 1 then
  local counter = redis.call('HMGET', KEYS[3], 'incarnation', 'sequence')
  joinedAt = nowText
  cursor = counter[1] and (counter[1] .. '-' .. counter[2]) or '0-0'
end
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', nowText, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], old)
  redis.call('HDEL', KEYS[2], old)
end
redis.call('ZADD', KEYS[1], string.format('%d', now + ttl), id)
redis.call('HSET', KEYS[2], id, joinedAt .. ' ' .. ttl .. ' ' .. cursor .. ' ' .. ARGV[3])
for i = 1, 2 do
  if redis.call('PTTL', KEYS[i]) < tonumber(ttl) then redis.call('PEXPIRE', KEYS[i], ttl) end
end
return { cursor, joined }`,
};

/** Leaves. O(log members). KEYS members, info. ARGV id. Answers 1 when it was live. */
export const LEAVE: RedisScript = {
  name: 'portolanBroadcastLeave',
  lua: `${NOW}
local expiry = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return (expiry and tonumber(expiry) > now) and 1 or 0`,
};

/** The live members. O(live members). KEYS members, info. */
export const MEMBERS: RedisScript = {
  name: 'portolanBroadcastMembers',
  lua: `${NOW}${LIVE_MEMBERS}
return liveMembers(KEYS[1], KEYS[2])`,
};

/** How much a topic holds. O(log members). KEYS stream, counter, members. Answers incarnation and sequence or nil, messages, members. */
export const SUMMARY: RedisScript = {
  name: 'portolanBroadcastSummary',
  lua: `${NOW}
local counter = redis.call('HMGET', KEYS[2], 'incarnation', 'sequence')
local messages = counter[1] and redis.call('XLEN', KEYS[1]) or 0
return { messages, redis.call('ZCOUNT', KEYS[3], '(' .. nowText, '+inf'), counter[1], counter[2] }`,
};

/**
 * Notes a topic's name until a ms, drops up to 100 expired names in passing; the set ends with the last topic it names. O(log topics).
 * KEYS names. ARGV topic, ms.
 */
export const NOTE: RedisScript = {
  name: 'portolanBroadcastNote',
  lua: `${NOW}
redis.call('ZADD', KEYS[1], 'GT', string.format('%d', now + ARGV[2]), ARGV[1])
for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', nowText, 'LIMIT', 0, 100)) do
  redis.call('ZREM', KEYS[1], old)
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`,
};

/** Noted names, those that live longest first. O(names answered). KEYS names. ARGV limit. */
export const NAMES: RedisScript = {
  name: 'portolanBroadcastNames',
  lua: `${NOW}
return redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', '(' .. nowText, 'LIMIT', 0, ARGV[1])`,
};

/**
 * Puts in the counters of another store's topic: a topic of another incarnation goes, this one's never go back. O(1), the memory of what goes is freed later.
 * KEYS stream, counter. ARGV incarnation, sequence, ms until which the counters are kept.
 */
export const LOAD_TOPIC: RedisScript = {
  name: 'portolanTransferTopic',
  lua: `${NOW}
if tonumber(ARGV[3]) <= now then return 0 end
if redis.call('HGET', KEYS[2], 'incarnation') ~= ARGV[1] then
  redis.call('UNLINK', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[2], 'incarnation', ARGV[1])
end
if tonumber(redis.call('HGET', KEYS[2], 'sequence') or '-1') < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[2], 'sequence', ARGV[2])
end
if redis.call('PEXPIRETIME', KEYS[2]) < tonumber(ARGV[3]) then redis.call('PEXPIREAT', KEYS[2], ARGV[3]) end
return 1`,
};

/**
 * Puts in messages of another store behind those that are here, if the topic is of their incarnation. What is kept has no holes: behind one, it begins anew.
 * O(messages). KEYS stream, counter. ARGV channel, incarnation, ms until which they are kept, then sequence, data, at of each.
 */
export const LOAD_MESSAGES: RedisScript = {
  name: 'portolanTransferMessages',
  lua: `${NOW}
if redis.call('HGET', KEYS[2], 'incarnation') ~= ARGV[2] or tonumber(ARGV[3]) <= now then return 0 end
local newest = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local last = newest and tonumber(string.match(newest[1], '-(%d+)$')) or 0
for i = 4, #ARGV, 3 do
  local sequence = tonumber(ARGV[i])
  if sequence > last then
    if sequence > last + 1 and last > 0 then redis.call('UNLINK', KEYS[1]) end
    redis.call('XADD', KEYS[1], ARGV[2] .. '-' .. ARGV[i], 'data', ARGV[i + 1], 'at', ARGV[i + 2])
    last = sequence
  end
end
if tonumber(redis.call('HGET', KEYS[2], 'sequence')) < last then
  redis.call('HSET', KEYS[2], 'sequence', string.format('%d', last))
end
if redis.call('PEXPIRETIME', KEYS[1]) < tonumber(ARGV[3]) then redis.call('PEXPIREAT', KEYS[1], ARGV[3]) end
redis.call('PUBLISH', ARGV[1], '')
return 1`,
};
