import { GROUPS, LIMITS } from './groups.ts';
import { BASE, ENTER, FINISH, LEASES, MARK, OWE, TRIM } from './parts.ts';

/**
 * Takes the jobs of one expired session back (at most 500), trims the finished ones (at most 500 of each state), wakes a waiter where jobs wait, and
 * forgets what is left of a queue without jobs once it is idle. Nine commands for an unknown queue, 13 for one where a job waits and nothing is to do, and one or two for each worker session.
 * ARGV: maxStalls, error, retention (completed count, ms, failed count, ms), idleMs. Answers {recovered ids}, {failed ids}, more, active (0 or 1),
 * 1 when the queue may leave the list (names.ts), ms until the next schedule is due (-1 for none), 1 when something is owed.
 */
export const SWEEP = {
  name: 'portolanQueueSweep',
  lua: `${BASE}${MARK}${ENTER}${OWE}${FINISH}${TRIM}${LEASES}
local rare = call('EXISTS', q .. 'limits', q .. 'groups') > 0
${LIMITS}${GROUPS}
local recovered, failed, more = {}, {}, false
local sid = call('ZRANGE', q .. 'sessions', '-inf', nowText, 'BYSCORE', 'LIMIT', 0, 1)[1]
if sid then
  more = true
  local session = q .. 'session:' .. sid
  call('ZREM', q .. 'sessions', sid)
  local reply = call('HGET', session, '')
  if reply then call('HDEL', session, '') end
  local flat = call('HLEN', session) > 500 and call('HSCAN', session, 0, 'COUNT', 500)[2] or call('HGETALL', session)
  local ids, started = {}, {}
  for i = 1, math.min(#flat, 1000), 2 do
    ids[#ids + 1] = flat[i]
    started[flat[i]] = flat[i + 1]
  end
  if #ids > 0 then call('HDEL', session, unpack(ids)) end
  if call('EXISTS', session) == 1 then
    -- What is left goes on as a session that nobody can renew, so that the worker learns of its end now.
    call('RENAME', session, session .. '~')
    call('ZADD', q .. 'sessions', 0, sid .. '~')
  end
  if reply then
    call('HSET', session, '', reply)
    call('PEXPIRE', session, 600000)
  end
  -- The first to arrive ends up in front.
  table.sort(ids, function(a, b) return a > b end)
  local marks = #ids > 0 and call('HMGET', q .. 'marks', unpack(ids))
  if grouped and #ids > 0 then groupsEnded(ids) end
  for i, id in ipairs(ids) do
    local runs, stalls, priority, _, key = mark(marks[i])
    local begun = started[id]
    runs, stalls = runs + 1, stalls + 1
    if call('SREM', q .. 'cancelling', id) == 1 then
      finish(id, 'cancelled', begun, runs, stalls, priority, key)
    elseif stalls > tonumber(ARGV[1]) then
      call('HSET', q .. 'errors', id, ARGV[2])
      finish(id, 'failed', begun, runs, stalls, priority, key)
      failed[#failed + 1] = id
    else
      putMark(id, runs, stalls, priority, begun, key)
      enterFront(id, priority)
      recovered[#recovered + 1] = id
    end
  end
  if #recovered > 0 then wake() end
end

local tick = call('ZRANGE', q .. 'schedules', 0, 0, 'WITHSCORES')[2]
local scheduled = tick and math.max(tonumber(tick) - now, 0) or -1

-- A queue without jobs is done with here. What may still stand in its lists are holes.
if call('EXISTS', KEYS[1]) == 0 then
  if more or tick or call('EXISTS', q .. 'paused', q .. 'limits', q .. 'owed') > 0 then return {recovered, failed, more and 1 or 0, 0, 0, scheduled, owes()} end
  local listed = call('GET', q .. 'listed')
  if listed then
    if tonumber(listed) > now - tonumber(ARGV[7]) then return {recovered, failed, 0, 0, 0, -1, 0} end
    for _, part in ipairs({'listed', 'marks', 'waiting', 'ranked', 'holes', 'meta', 'wake', 'cancelling', 'running'}) do call('DEL', q .. part) end
    -- Sessions that are still at it end by themselves; this is for one that is killed first.
    call('PEXPIRE', q .. 'sessions', 3600000)
  end
  return {recovered, failed, 0, 0, 1, -1, 0}
end
for i, state in ipairs({'completed', 'failed', 'cancelled'}) do
  local at = i == 1 and 3 or 5
  if trim(state, tonumber(ARGV[at]), tonumber(ARGV[at + 1])) then more = true end
end
endWindows()
if (queueRoom() > 0 and call('EXISTS', q .. 'waiting', q .. 'ranked', q .. 'ready') > 0) or call('ZCOUNT', q .. 'delayed', '-inf', nowText) > 0 then
  if call('EXISTS', q .. 'paused') == 0 then wake() end
end
return {recovered, failed, more and 1 or 0, activeCount() > 0 and 1 or 0, 0, scheduled, owes()}`,
};
