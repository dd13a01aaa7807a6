/**
 * What every step of a reconcile uses. mend(what) notes one repair. page(command, key, at, count) -> where to go on (nothing at the end), members, their
 * values. walk(command, key, what, isWrong, repair) -> a step that goes through a key and repairs, one by one, the members that are wrong. places(ids) -> for each the state it stands in, the first in the order of STATES; nothing for one that stands in none of those, which is how
 * a job of `waiting` looks. Three commands and two for each worker session, and one for each id.
 *
 * With `dry`, commands that write are left out.
 */
export const LOOK = `
local READS = {}
for name in string.gmatch('HEXISTS HGET HMGET HLEN HKEYS HSCAN HGETALL ZSCORE ZMSCORE ZRANGE ZRANK ZCARD ZSCAN ZCOUNT SISMEMBER SMISMEMBER SCARD SSCAN LRANGE LLEN LPOS EXISTS GET', '%a+') do READS[name] = true end
if dry then
  call = function(name, ...) if READS[name] then return redis.call(name, ...) end return 0 end
end
local STATES = {'completed', 'failed', 'cancelled', 'active', 'delayed', 'aside', 'ranked'}
local ENDED = {completed = true, failed = true, cancelled = true}
local mended, looked = {}, 0
local function mend(what) mended[what] = (mended[what] or 0) + 1 end

local function page(command, key, at, count)
  local answer = call(command, q .. key, at, 'COUNT', count or 500)
  local ids, values, seen, width = {}, {}, {}, command == 'SSCAN' and 1 or 2
  for i = 1, #answer[2], width do
    local id = answer[2][i]
    if not seen[id] then
      seen[id] = true
      ids[#ids + 1] = id
      values[#values + 1] = answer[2][i + 1]
    end
  end
  looked = looked + #ids
  return answer[1] ~= '0' and answer[1] or nil, ids, values
end
local function walk(command, key, what, isWrong, repair)
  return function(at)
    local next, ids = page(command, key, at)
    for _, id in ipairs(ids) do
      if isWrong(id) then
        repair(id)
        mend(what)
      end
    end
    return next
  end
end
local function isThere(id) return call('HEXISTS', KEYS[1], id) == 1 end

local function places(ids)
  local at = {}
  if #ids == 0 then return at end
  local function note(state, found)
    for i, one in ipairs(found) do if one and not at[i] then at[i] = state end end
  end
  for _, state in ipairs(STATES) do
    if state == 'active' then
      for _, sid in ipairs(call('ZRANGE', q .. 'sessions', 0, -1)) do note(state, call('HMGET', q .. 'session:' .. sid, unpack(ids))) end
    elseif call('EXISTS', q .. state) == 1 then
      local found = call('ZMSCORE', q .. state, unpack(ids))
      if state == 'ranked' then
        for i, hole in ipairs(call('SMISMEMBER', q .. 'holes', unpack(ids))) do if hole == 1 then found[i] = false end end
      end
      note(state, found)
    end
  end
  return at
end
-- How many jobs stand nowhere, if none stands twice: what HLEN says that the states do not. One command for each session.
local function missing()
  local standing = call('LLEN', q .. 'waiting') - call('SCARD', q .. 'holes')
  for _, state in ipairs(STATES) do standing = standing + (state == 'active' and activeCount() or call('ZCARD', q .. state)) end
  return call('HLEN', KEYS[1]) - standing
end
`;
