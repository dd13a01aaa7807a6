import { MAX_CALL_TEXT } from '@portolan/core';

/** The answer to a repeat: what the first call took, and the session still leases. */
export const AGAIN = `
  local jobs, ids, held = {}, {}, #last[3] > 0 and call('HMGET', session, unpack(last[3])) or {}
  for i, id in ipairs(last[3]) do if held[i] then ids[#ids + 1] = id end end
  local bodies = #ids > 0 and call('HMGET', KEYS[1], unpack(ids))
  for i, id in ipairs(ids) do jobs[2 * i - 1], jobs[2 * i] = id, bodies[i] end
  return {math.max(created, last[2]), last[5], orNull(jobs), orNull(marksOf(ids)), orNull(last[4]), orNull(toCancel(session)), dueIn(), owes()}`;

/**
 * takeWithCare(taken, claim): the claim of a queue without groups; looks at all that may stand in the way: other priorities, and holes. With holes it looks before it takes,
 * in pages that grow to 500 places, 10,000 places at most, and answers whether it came to its end.
 */
export const TAKE_WITH_CARE = `
local function takeWithCare(taken, claim)
  local ranked, holes, places = call('EXISTS', q .. 'ranked') == 1, call('EXISTS', q .. 'holes') == 1, 10000
  local function takeAll(look, drop)
    local page = claim - #taken
    while #taken < claim do
      if places <= 0 then return false end
      local ids = look(holes and page or claim - #taken)
      if #ids == 0 then return true end
      local gone, filled, used = holes and call('SMISMEMBER', q .. 'holes', unpack(ids)), {}, {}
      for i, id in ipairs(ids) do
        if #taken == claim then break end
        used[i] = id
        if gone and gone[i] == 1 then filled[#filled + 1] = id else taken[#taken + 1] = id end
      end
      drop(used)
      if #filled > 0 then call('SREM', q .. 'holes', unpack(filled)) end
      if not holes then return true end
      places = places - #used
      page = math.min(page * 4, 500)
    end
    return true
  end
  local function dropRanked(ids) call('ZREM', q .. 'ranked', unpack(ids)) end
  if ranked and not takeAll(function(n) return call('ZRANGE', q .. 'ranked', '-inf', 0, 'BYSCORE', 'LIMIT', 0, n) end, dropRanked) then return false end
  if not holes then
    if #taken < claim then for _, id in ipairs(call('LPOP', q .. 'waiting', claim - #taken) or {}) do taken[#taken + 1] = id end end
  elseif not takeAll(function(n) return call('LRANGE', q .. 'waiting', 0, n - 1) end, function(ids) call('LPOP', q .. 'waiting', #ids) end) then return false end
  if not ranked or #taken == claim then return true end
  return takeAll(function(n) return call('ZRANGE', q .. 'ranked', 0, n - 1) end, dropRanked)
end
`;

/**
 * The exchange's last step. Sets paused, room (how many could start before), taken, jobs (their ids and bodies) and finished, and keeps the answer for a repeat. Needs
 * TAKE_WITH_CARE and TAKE_WITHIN.
 */
export const CLAIM = `
local paused = rare and call('EXISTS', q .. 'paused') == 1
local taken, jobs = {}, {}
if groupLimits then endWindows() end
local room, finished = limits and queueRoom() or math.huge, true
claim = math.min(claim, room)
if claim > 0 and not paused then
  if groupLimits or (grouped and call('EXISTS', q .. 'aside') == 1) then finished = takeWithin(taken, claim)
  elseif rare then finished = takeWithCare(taken, claim) else taken = call('LPOP', q .. 'waiting', ARGV[4]) or {} end
end
-- Those from a place on go back to the front, in their order.
local function putBack(ids, from)
  if not rare then needTools() end
  local marks = rare and call('HMGET', q .. 'marks', unpack(ids, from)) or {}
  for i = #ids, from, -1 do
    local _, _, priority = mark(marks[i - from + 1])
    enterFront(ids[i], priority)
  end
  finished = false
end
local leased = {'', ''}
if #taken > 0 then
  local found, ids, size = call('HMGET', KEYS[1], unpack(taken)), taken, 0
  taken = {}
  for i, id in ipairs(ids) do
    -- An id whose body is gone (evicted, or deleted by hand) is dropped here; others may stand behind it.
    if not found[i] then finished = false else
      local n = #taken + 1
      size = size + #found[i]
      if n > 1 and size > ${MAX_CALL_TEXT} then
        putBack(ids, i)
        break
      end
      taken[n] = id
      jobs[2 * n - 1], jobs[2 * n] = id, found[i]
      leased[2 * n + 1], leased[2 * n + 2] = id, nowText
    end
  end
end
if #taken > 0 and (limits or grouped) then started(taken) end
leased[2] = cmsgpack.pack({nonce, created, taken, refused, nowText})
call('HSET', session, unpack(leased))
`;
