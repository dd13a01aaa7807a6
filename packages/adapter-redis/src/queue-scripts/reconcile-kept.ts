/** What is kept beside jobs, by their ids, and what names them. Needs LOOK. */
export const RECONCILE_KEPT = `
local function isGone(id) return not isThere(id) end
local function walkKept(kept)
  return walk('HSCAN', kept, 'strays', isGone, function(id) call('HDEL', q .. kept, id) end)
end
local walkAwaits = walk('ZSCAN', 'awaits', 'strays', isGone, function(id)
  call('ZREM', q .. 'awaits', id)
  call('UNLINK', q .. 'parts:' .. id)
end)
local function hasNoLog(id) return isGone(id) or call('EXISTS', q .. 'log:' .. id) == 0 end
local walkLogged = walk('SSCAN', 'logged', 'strays', hasNoLog, function(id)
  call('SREM', q .. 'logged', id)
  call('UNLINK', q .. 'log:' .. id)
end)
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

local function owesNothing(id) return call('HEXISTS', q .. 'debts', id) == 0 end
local walkOwed = walk('ZSCAN', 'owed', 'strays', owesNothing, function(id) call('ZREM', q .. 'owed', id) end)
local function isForgotten(id) return not call('ZSCORE', q .. 'owed', id) end
local walkDebts = walk('HSCAN', 'debts', 'jobs', isForgotten, function(id) call('ZADD', q .. 'owed', nowText, id) end)

-- Without its texts a schedule can do nothing. One whose next tick is lost goes on from the newest that made a job; without any, now.
local function has(part, id) return call('HEXISTS', q .. part, id) == 1 end
local function isScheduled(id) return call('ZSCORE', q .. 'schedules', id) end
local function isEmpty(id) return not (has('timings', id) and has('templates', id)) end
local walkSchedules = walk('ZSCAN', 'schedules', 'strays', isEmpty, function(id)
  call('ZREM', q .. 'schedules', id)
  for _, part in ipairs({'timings', 'templates', 'ticks'}) do call('HDEL', q .. part, id) end
end)
local function isStopped(id) return not isScheduled(id) and has('templates', id) end
local walkTimings = walk('HSCAN', 'timings', 'jobs', isStopped, function(id)
  call('ZADD', q .. 'schedules', call('HGET', q .. 'ticks', id) or nowText, id)
end)
local function walkTexts(part)
  local function isAlone(id) return not isScheduled(id) and not (dry and has('timings', id)) end
  return walk('HSCAN', part, 'strays', isAlone, function(id) call('HDEL', q .. part, id) end)
end
`;
