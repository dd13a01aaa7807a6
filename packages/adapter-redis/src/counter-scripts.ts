import type { RedisScript } from './connection.ts';

/**
 * Shared by scripts: the counter under a key as a number, or an error when it holds something else. Counters are answered as text
 * (`%.0f` prints integers in full): the client's parser rounds integers next to the bounds.
 */
const READ_COUNTER = `
local function full(number) return string.format('%.0f', number) end
local function read(key)
  local text = redis.call('GET', key)
  if not text then return nil end
  local value = string.match(text, '^%-?%d+$') and tonumber(text)
  if not value or value > 9007199254740991 or value < -9007199254740991 then
    return nil, redis.error_reply('WRONGTYPE the key holds no safe integer')
  end
  return value
end
`;

/**
 * Adds within bounds and sets the TTL in the same step. ARGV: by, min, max, reject or saturate, TTL in ms or '', create or
 * refresh. Answers the value and what was added. O(1). Always a script: INCRBY alone knows 64-bit integers, ours have 53 bits.
 * A sum beyond 53 bits may be rounded here, but stays beyond them, and so beyond the bounds.
 */
export const ADD: RedisScript = {
  name: 'portolanCounterAdd',
  lua: `${READ_COUNTER}
local stored, wrong = read(KEYS[1])
if wrong then return wrong end
local value = stored or 0
local by, min, max = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local wanted = value + by
local next = value
if by > 0 then next = math.max(value, math.min(wanted, max)) end
if by < 0 then next = math.min(value, math.max(wanted, min)) end
if next ~= wanted and ARGV[4] == 'reject' then return { full(value), '0' } end
local text = full(next)
if ARGV[5] ~= '' and (not stored or ARGV[6] == 'refresh') then
  redis.call('SET', KEYS[1], text, 'PX', ARGV[5])
elseif not stored or next ~= value then
  redis.call('SET', KEYS[1], text, 'KEEPTTL')
end
return { text, full(next - value) }
`,
};

/** The value and its TTL in ms (-1 for none), read together; nothing when absent. O(1). */
export const READ: RedisScript = {
  name: 'portolanCounterRead',
  lua: `${READ_COUNTER}
local value, wrong = read(KEYS[1])
if wrong then return wrong end
if not value then return false end
return { full(value), redis.call('PTTL', KEYS[1]) }
`,
};

/**
 * One step of a rate limit on one string: `stepLimit` of core, said in Lua, on the server's clock (ms). ARGV: the policies as
 * text, cost, 1 to take, then kind, limit, period in ms and capacity of each policy. Answers whether it is allowed, then remaining,
 * ms to retry (-1 for never) and ms to reset of each. A rejected call writes nothing. O(policies).
 * All numbers are integers below 2^52, exact in Lua and JavaScript alike.
 */
export const LIMIT: RedisScript = {
  name: 'portolanCounterLimit',
  lua: `
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local text, cost, take = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1'
local numbers = {}
local state = redis.call('GET', KEYS[1])
if state and string.sub(state, 1, #text + 1) == text .. '|' then
  for word in string.gmatch(string.sub(state, #text + 2), '%d+') do numbers[#numbers + 1] = tonumber(word) end
end
local at = numbers[1] or now
if at > now then now = at end

local count = (#ARGV - 3) / 4
local kind, limit, period, most, used, before, wait = {}, {}, {}, {}, {}, {}, {}
local allowed = true
for i = 1, count do
  local a = 4 * i
  kind[i], limit[i], period[i], most[i] = ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
  local u, b, p = numbers[2 * i] or 0, numbers[2 * i + 1] or 0, period[i]
  if kind[i] == 'gcra' then
    u = math.max(0, u - (now - at) * limit[i])
  else
    local passed = math.floor(now / p) - math.floor(at / p)
    if passed == 1 and kind[i] == 'sliding' then u, b = 0, u elseif passed > 0 then u, b = 0, 0 end
  end
  used[i], before[i] = u, b
  local left = p - now % p
  if cost > most[i] then
    wait[i] = -1
  elseif kind[i] == 'gcra' then
    wait[i] = math.max(0, math.ceil((u + cost * p - most[i] * p) / limit[i]))
  elseif kind[i] == 'fixed' then
    wait[i] = u + cost <= most[i] and 0 or left
  elseif u + cost <= most[i] then
    wait[i] = b == 0 and 0 or math.max(0, left - math.floor((most[i] - u - cost) * p / b))
  else
    wait[i] = left + math.max(0, p - math.floor((most[i] - cost) * p / u))
  end
  if wait[i] ~= 0 then allowed = false end
end

local taken = allowed and take and cost > 0
local answer, words, ttl = { allowed and 1 or 0 }, {}, 0
for i = 1, count do
  local p = period[i]
  if taken then used[i] = used[i] + (kind[i] == 'gcra' and cost * p or cost) end
  local u, b, left = used[i], before[i], p - now % p
  local load, reset = u, math.ceil(u / limit[i])
  if kind[i] ~= 'gcra' then
    load = u * p + b * left
    reset = (kind[i] == 'sliding' and u > 0) and left + p or ((u > 0 or b > 0) and left or 0)
  end
  answer[#answer + 1] = math.max(0, most[i] - math.ceil(load / p))
  answer[#answer + 1] = wait[i]
  answer[#answer + 1] = reset
  words[i] = string.format('%.0f %.0f', u, b)
  ttl = math.max(ttl, reset)
end
if taken then
  redis.call('SET', KEYS[1], text .. '|' .. string.format('%.0f ', now) .. table.concat(words, ' '), 'PX', string.format('%.0f', ttl))
end
return answer
`,
};
