import type { RedisScript } from './connection.ts';

/**
 * Read or lease. KEYS: entry, lease (one slot). ARGV: version of the entry the caller saw or '', its lease, ms, 1 to take over. Answers
 * granted, another entry's text or false, ms that somebody else's lease has left. O(size of the entry): one SHA-1.
 */
export const ACQUIRE: RedisScript = {
  name: 'portolanCacheAcquire',
  lua: `
if ARGV[4] ~= '1' then
  local text = redis.call('GET', KEYS[1])
  if text and redis.sha1hex(text) ~= ARGV[1] then return { 0, text, 0 } end
  local holder = redis.call('GET', KEYS[2])
  if holder and holder ~= ARGV[2] then return { 0, false, math.max(1, redis.call('PTTL', KEYS[2])) } end
end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return { 1, false, 0 }
`,
};

/** Writes an entry if the lease still holds, and ends the lease. KEYS: entry, lease. ARGV: lease, text, TTL in ms. O(size of the entry). */
export const FILL: RedisScript = {
  name: 'portolanCacheFill',
  lua: `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
`,
};

/** Ends a lease that still holds. KEYS: lease. ARGV: lease. O(1). */
export const RELEASE: RedisScript = {
  name: 'portolanCacheRelease',
  lua: `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
`,
};

/** Removes lease and entry. KEYS: entry, lease. Answers whether there was an entry. O(1) (memory is freed in the background). */
export const DROP: RedisScript = {
  name: 'portolanCacheDrop',
  lua: `
redis.call('DEL', KEYS[2])
return redis.call('UNLINK', KEYS[1])
`,
};
