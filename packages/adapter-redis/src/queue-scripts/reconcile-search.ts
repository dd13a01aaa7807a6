/**
 * The search for jobs that stand nowhere. `waiting` is a list, which cannot be asked for an id: so nothing is searched while every job is
 * accounted for by the numbers alone. Where they differ, the line is walked once into a filter of bits (32 for each that waits, under `seen:SALT`, gone with
 * the search or an hour later); what seems to come twice is looked up, and stands once from then on. Then the bodies: what stands in no other state and is not
 * in the filter is looked up in the line, and waits again if it is not there. Of 16,000 the filter tells one wrongly as seen; that one is found by a
 * later pass, whose salt is another. What came into the line behind the walk costs a look at the line's end each. One look is O(waiting); a call ends behind 2,000,000 places. Needs LOOK.
 */
export const RECONCILE_SEARCH = `
local SPEND = 2000000
local spent = 0
local function restore(id, hole, inLine)
  local runs, stalls, priority, started, key = mark(call('HGET', q .. 'marks', id))
  mend('jobs')
  if call('HEXISTS', q .. 'results', id) == 1 then
    call('ZADD', q .. 'completed', nowText, id)
    putMark(id, runs, stalls, priority, started, '')
    freeKey(id, key)
  elseif tonumber(call('ZSCORE', q .. 'awaits', id) or 0) > 0 then
    call('ZADD', q .. 'delayed', int(HELD), id)
  else
    if hole then call('SREM', q .. 'holes', id) end
    if not inLine then enter(id, priority, false) end
  end
end

-- at: step, bits and salt of the filter, place.
local function search(at)
  local step, bits, salt, place = string.match(at, '^(%a+):(%d+):(%d+):(%d+)$')
  if not step then
    if missing() == 0 then return end
    step, bits, salt, place = 'line', math.min(math.max(call('LLEN', q .. 'waiting') * 32, 1024), 2147483648), clock[1] .. clock[2], '0'
  end
  local seen = q .. 'seen:' .. salt
  -- Sets the bits of an id; true if they all were.
  local function fill(id)
    local hash, all = redis.sha1hex(salt .. id), true
    for i = 1, 33, 8 do
      if redis.call('SETBIT', seen, int(tonumber(string.sub(hash, i, i + 7), 16) % bits), 1) == 0 then all = false end
    end
    return all
  end
  local function inLine(id)
    if call('ZSCORE', q .. 'ranked', id) or fill(id) then return true end
    local length = call('LLEN', q .. 'waiting')
    local found = call('LPOS', q .. 'waiting', id, 'RANK', -1)
    spent = spent + length - (found or 0)
    return found and true or false
  end
  bits = tonumber(bits)
  local next
  if step == 'line' then
    local behind = tonumber(place)
    local ids = call('LRANGE', q .. 'waiting', -behind - 500, -behind - 1)
    looked = looked + #ids
    for _, id in ipairs(ids) do
      if fill(id) and spent < SPEND then
        spent = spent + call('LLEN', q .. 'waiting')
        if call('LPOS', q .. 'waiting', id, 'RANK', 2) then
          call('LREM', q .. 'waiting', -1, id)
          mend('doubles')
        end
      end
    end
    next = call('LLEN', q .. 'waiting') > behind + #ids and int(behind + #ids) or nil
  elseif step == 'jobs' then
    local ids
    next, ids = page('HSCAN', 'jobs', place, 100)
    local states = places(ids)
    for i, id in ipairs(ids) do
      if not states[i] then
        -- What was found needs no second look, so that a page that ends early is done in the end.
        if spent > SPEND then
          next = place
          break
        end
        local hole, lined = call('SISMEMBER', q .. 'holes', id) == 1, inLine(id)
        if hole or not lined then restore(id, hole, lined) end
      end
    end
  else
    local ids
    next, ids = page('SSCAN', 'holes', place, 100)
    for _, id in ipairs(ids) do
      if spent > SPEND then
        next = place
        break
      end
      if not inLine(id) then
        call('SREM', q .. 'holes', id)
        mend('strays')
      end
    end
  end
  if not next then
    step, next = step == 'line' and 'jobs' or step == 'jobs' and 'holes' or nil, '0'
  end
  if not step or missing() == 0 then
    redis.call('UNLINK', seen)
    return
  end
  redis.call('PEXPIRE', seen, 3600000)
  return table.concat({step, int(bits), salt, next}, ':')
end
`;
