/** The states of jobs: each is walked, what has no body leaves it, and so does what stands in another that goes before it. Needs LOOK and GROUPS. */
export const RECONCILE_STATES = `
local function leaveSide(id)
  local group = call('HGET', q .. 'groups', id)
  call('ZREM', q .. 'aside', id)
  if not group then return end
  call('ZREM', q .. 'side:' .. group, id)
  seat(group, call('ZSCORE', q .. 'full', group) and 'full' or 'ready')
end
-- Of what stands in a state: that of others is taken out of it. Answers what is left, by its place in ids.
local function keepOwn(state, ids, leave)
  local left, at = {}, places(ids)
  for i, id in ipairs(ids) do
    if not isThere(id) then
      mend('strays')
      leave(id)
    elseif at[i] ~= state then
      mend('doubles')
      leave(id)
    else left[#left + 1] = i end
  end
  return left
end
local function walkState(state)
  return function(at)
    local next, ids = page('ZSCAN', state, at)
    keepOwn(state, ids, function(id) call('ZREM', q .. state, id) end)
    return next
  end
end

-- All at once: O(active). A job that two sessions lease stays with the one that took it last.
local function walkActive()
  local all, newest = {}, {}
  for _, sid in ipairs(call('ZRANGE', q .. 'sessions', 0, -1)) do
    local flat = call('HGETALL', q .. 'session:' .. sid)
    for i = 1, #flat, 2 do
      if flat[i] ~= '' then
        all[#all + 1] = {sid, flat[i], tonumber(flat[i + 1])}
        newest[flat[i]] = math.max(newest[flat[i]] or 0, tonumber(flat[i + 1]))
      end
    end
  end
  looked = looked + #all
  for from = 1, #all, 500 do
    local ids, at = {}, {}
    for i = from, math.min(from + 499, #all) do ids[#ids + 1] = all[i][2] end
    at = places(ids)
    for i, id in ipairs(ids) do
      local sid, _, taken = unpack(all[from + i - 1])
      local stray = not isThere(id)
      if stray or at[i] ~= 'active' or taken ~= newest[id] then
        mend(stray and 'strays' or 'doubles')
        call('HDEL', q .. 'session:' .. sid, id)
      else newest[id] = -1 end
    end
  end
end

-- One that is held and awaits nothing would be held for ever.
local function walkDelayed(at)
  local next, ids, due = page('ZSCAN', 'delayed', at)
  for _, i in ipairs(keepOwn('delayed', ids, function(id) call('ZREM', q .. 'delayed', id) end)) do
    if tonumber(due[i]) == HELD and tonumber(call('ZSCORE', q .. 'awaits', ids[i]) or 0) <= 0 then
      local _, _, priority = mark(call('HGET', q .. 'marks', ids[i]))
      call('ZREM', q .. 'delayed', ids[i])
      admit(ids[i], priority)
      mend('jobs')
    end
  end
  return next
end

-- The counters behind scores lie outside of what they have given.
local function keepCounters(scores)
  local first, last = 0, 0
  for _, text in ipairs(scores) do
    local score = tonumber(text)
    local n = score - math.floor((score + 2199023255552) / 4398046511104) * 4398046511104
    first, last = math.min(first, n), math.max(last, n)
  end
  for name, bound in pairs({front = first, back = last}) do
    local known = tonumber(call('HGET', q .. 'meta', name) or 0)
    if (name == 'front' and bound < known) or (name == 'back' and bound > known) then
      call('HSET', q .. 'meta', name, int(bound))
      mend('sums')
    end
  end
end
local function walkRanked(at)
  local next, found, scores = page('ZSCAN', 'ranked', at)
  local ids = {}
  if #found == 0 then return next end
  for i, hole in ipairs(call('SMISMEMBER', q .. 'holes', unpack(found))) do
    if hole == 0 then ids[#ids + 1] = found[i] end
  end
  keepOwn('ranked', ids, function(id) call('ZREM', q .. 'ranked', id) end)
  keepCounters(scores)
  return next
end

-- From the tail, so that what is claimed meanwhile moves nothing. at counts those behind. What has ended or has no body becomes a hole, as all that leaves the line;
-- a hole of a job that goes on, or that may stand elsewhere as one, would take that with it: so it is searched, which is O(n).
local function walkWaiting(at)
  local behind = tonumber(at)
  local found, ids, seen = call('LRANGE', q .. 'waiting', -behind - 500, -behind - 1), {}, {}
  if #found == 0 then return end
  looked = looked + #found
  for i, hole in ipairs(call('SMISMEMBER', q .. 'holes', unpack(found))) do
    if hole == 0 and not seen[found[i]] then
      seen[found[i]] = true
      ids[#ids + 1] = found[i]
    end
  end
  local at = places(ids)
  for i, id in ipairs(ids) do
    local there = isThere(id)
    if not there or at[i] then
      local _, _, priority = mark(call('HGET', q .. 'marks', id))
      mend(there and 'doubles' or 'strays')
      if not there or (ENDED[at[i]] and priority == 0) then call('SADD', q .. 'holes', id) else call('LREM', q .. 'waiting', 1, id) end
    end
  end
  return call('LLEN', q .. 'waiting') > behind + #found and int(behind + #found) or nil
end
`;
