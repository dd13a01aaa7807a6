/** What is kept beside jobs, by their ids, and what names them. Needs LOOK. */
export const RECONCILE_KEPT = `
local function walkKept(kept)
  return function(at)
    local next, ids = page('HSCAN', kept, at)
    for _, id in ipairs(ids) do
      if not isThere(id) then
        call('HDEL', q .. kept, id)
        mend('strays')
      end
    end
    return next
  end
end
local function walkAwaits(at)
  local next, ids = page('ZSCAN', 'awaits', at)
  for _, id in ipairs(ids) do
    if not isThere(id) then
      call('ZREM', q .. 'awaits', id)
      call('UNLINK', q .. 'parts:' .. id)
      mend('strays')
    end
  end
  return next
end
local function walkLogged(at)
  local next, ids = page('SSCAN', 'logged', at)
  for _, id in ipairs(ids) do
    if not isThere(id) or call('EXISTS', q .. 'log:' .. id) == 0 then
      call('SREM', q .. 'logged', id)
      call('UNLINK', q .. 'log:' .. id)
      mend('strays')
    end
  end
  return next
end
-- Left behind, it would cancel the job's next run.
local function walkCancelling(at)
  local next, ids = page('SSCAN', 'cancelling', at)
  local states = places(ids)
  for i, id in ipairs(ids) do
    if states[i] ~= 'active' then
      call('SREM', q .. 'cancelling', id)
      mend('strays')
    end
  end
  return next
end

local function keyOf(id)
  local runs, stalls, priority, started, key = mark(call('HGET', q .. 'marks', id))
  return key, function(text) putMark(id, runs, stalls, priority, started, text) end
end
local function walkDedupe(at)
  local next, keys, ids = page('HSCAN', 'dedupe', at)
  local states = places(ids)
  for i, id in ipairs(ids) do
    local own, setKey = keyOf(id)
    if not isThere(id) or ENDED[states[i]] or (own ~= '' and own ~= keys[i]) then
      call('HDEL', q .. 'dedupe', keys[i])
      mend('strays')
    elseif own == '' then
      setKey(keys[i])
      mend('sums')
    end
  end
  return next
end
local function walkMarks(at)
  local next, ids = page('HSCAN', 'marks', at)
  local states = places(ids)
  for i, id in ipairs(ids) do
    local key, setKey = keyOf(id)
    local holder = key and key ~= '' and call('HGET', q .. 'dedupe', key)
    if not key or not isThere(id) then
      call('HDEL', q .. 'marks', id)
      mend('strays')
    elseif key ~= '' and (ENDED[states[i]] or (holder and holder ~= id)) then
      setKey('')
      mend('sums')
    elseif key ~= '' and not holder then
      call('HSET', q .. 'dedupe', key, id)
      mend('sums')
    end
  end
  return next
end

local function walkOwed(at)
  local next, ids = page('ZSCAN', 'owed', at)
  for _, id in ipairs(ids) do
    if call('HEXISTS', q .. 'debts', id) == 0 then
      call('ZREM', q .. 'owed', id)
      mend('strays')
    end
  end
  return next
end
local function walkDebts(at)
  local next, ids = page('HSCAN', 'debts', at)
  for _, id in ipairs(ids) do
    if not call('ZSCORE', q .. 'owed', id) then
      call('ZADD', q .. 'owed', nowText, id)
      mend('jobs')
    end
  end
  return next
end

-- Without its texts a schedule can do nothing. One whose next tick is lost goes on from the newest that made a job; without any, now.
local function walkSchedules(at)
  local next, ids = page('ZSCAN', 'schedules', at)
  for _, id in ipairs(ids) do
    if call('HEXISTS', q .. 'timings', id) == 0 or call('HEXISTS', q .. 'templates', id) == 0 then
      call('ZREM', q .. 'schedules', id)
      for _, part in ipairs({'timings', 'templates', 'ticks'}) do call('HDEL', q .. part, id) end
      mend('strays')
    end
  end
  return next
end
local function walkTimings(at)
  local next, ids = page('HSCAN', 'timings', at)
  for _, id in ipairs(ids) do
    if not call('ZSCORE', q .. 'schedules', id) and call('HEXISTS', q .. 'templates', id) == 1 then
      call('ZADD', q .. 'schedules', call('HGET', q .. 'ticks', id) or nowText, id)
      mend('jobs')
    end
  end
  return next
end
local function walkTexts(part)
  return function(at)
    local next, ids = page('HSCAN', part, at)
    for _, id in ipairs(ids) do
      if not call('ZSCORE', q .. 'schedules', id) and not (dry and call('HEXISTS', q .. 'timings', id) == 1) then
        call('HDEL', q .. part, id)
        mend('strays')
      end
    end
    return next
  end
end
`;
