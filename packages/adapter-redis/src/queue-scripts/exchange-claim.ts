/** marksOf(ids) -> their marks, or nothing when no job of the queue has any. again(last) -> the answer to a repeat: what the first call took and still leases. */
export const LEASE = `
local function marksOf(ids)
  if #ids == 0 or not rare or call('EXISTS', q .. 'marks') == 0 then return {} end
  return call('HMGET', q .. 'marks', unpack(ids))
end
local function again(last)
  local taken, bodies, held = {}, {}, #last[3] > 0 and call('HMGET', session, unpack(last[3])) or {}
  for i, id in ipairs(last[3]) do if held[i] then taken[#taken + 1] = id end end
  if #taken > 0 then bodies = call('HMGET', KEYS[1], unpack(taken)) end
  return {math.max(created, last[2]), last[5], taken, bodies, marksOf(taken), last[4], toCancel(session), dueIn(), owes()}
end
`;

/** The exchange's last step. Sets paused, room (how many could start before), taken, bodies and finished, and keeps the answer for a repeat. Needs TAKE_WITHIN. */
export const CLAIM = `
local paused = rare and call('EXISTS', q .. 'paused') == 1
local taken, bodies = {}, {}
-- Looks at all that may stand in the way: other priorities, and holes. Pops until there are enough or none; holes are what is popped for nothing, and at
-- most 20 rounds go to them.
local function takeWithCare()
  local ranked, holes = call('EXISTS', q .. 'ranked') == 1, call('EXISTS', q .. 'holes') == 1
  local function takeAll(pop)
    for _ = 1, 20 do
      local ids = #taken < claim and pop(claim - #taken)
      if not ids or #ids == 0 then return end
      for _, id in ipairs(ids) do
        if not (holes and call('SREM', q .. 'holes', id) == 1) then taken[#taken + 1] = id end
      end
    end
  end
  if ranked then
    takeAll(function(n)
      local ids = call('ZRANGE', q .. 'ranked', '-inf', 0, 'BYSCORE', 'LIMIT', 0, n)
      if #ids > 0 then call('ZREM', q .. 'ranked', unpack(ids)) end
      return ids
    end)
  end
  takeAll(function(n) return call('LPOP', q .. 'waiting', n) end)
  if ranked and call('EXISTS', q .. 'waiting') == 0 then
    takeAll(function(n)
      local ids = call('ZRANGE', q .. 'ranked', 0, n - 1)
      if #ids > 0 then call('ZREM', q .. 'ranked', unpack(ids)) end
      return ids
    end)
  end
end
endWindows()
local room, finished = queueRoom(), true
claim = math.min(claim, room)
if claim > 0 and not paused then
  if groupLimits or (grouped and call('EXISTS', q .. 'aside') == 1) then finished = takeWithin(taken, claim)
  elseif rare then takeWithCare() else taken = call('LPOP', q .. 'waiting', ARGV[4]) or {} end
end
local leased = {'', ''}
if #taken > 0 then
  local found, ids = call('HMGET', KEYS[1], unpack(taken)), taken
  taken = {}
  for i, id in ipairs(ids) do
    -- An id whose body is gone (evicted, or deleted by hand) is dropped here.
    if found[i] then
      local n = #taken + 1
      taken[n], bodies[n] = id, found[i]
      leased[2 * n + 1], leased[2 * n + 2] = id, nowText
    end
  end
end
if #taken > 0 and (limits or grouped) then started(taken) end
leased[2] = cmsgpack.pack({nonce, created, taken, refused, nowText})
call('HSET', session, unpack(leased))
`;
