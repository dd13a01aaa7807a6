import { GROUPS, LIMITS, SET_LIMITS } from './groups.ts';
import { BASE, ENTER, FINISH, LEASES, MARK, OWE, TRIM } from './parts.ts';

/**
 * One change to a job or to the queue; a fixed number of commands, and one for each worker session where the job may be active. ARGV: what, id, then session and
 * progress, or the body of a retry if it gets one, or the limits ('' for none). Answers as `Amended`.
 */
export const AMEND = {
  name: 'portolanQueueAmend',
  lua: `${BASE}${MARK}${ENTER}${OWE}${FINISH}${TRIM}${LEASES}
local what, id = ARGV[1], ARGV[2]
local rare = call('EXISTS', q .. 'limits', q .. 'groups') > 0
${LIMITS}${GROUPS}${SET_LIMITS}
if what == 'pause' then
  call('SET', q .. 'paused', '1')
  return 'done'
elseif what == 'resume' then
  call('DEL', q .. 'paused')
  wake()
  return 'done'
end
if what == 'limit' then
  setLimits(ARGV[3])
  if call('EXISTS', q .. 'paused') == 0 and hasNext() and queueRoom() > 0 then wake() end
  return 'done'
end
if call('HEXISTS', KEYS[1], id) == 0 then return 'missing' end

local state = 'waiting'
for _, one in ipairs({'delayed', 'completed', 'failed', 'cancelled'}) do
  if call('ZSCORE', q .. one, id) then state = one end
end
if state == 'waiting' and takenAt(id) then state = 'active' end
local runs, stalls, priority, started, key = mark(call('HGET', q .. 'marks', id))
local function leave()
  if state ~= 'waiting' then call('ZREM', q .. state, id)
  elseif not leaveAside(id) then call('SADD', q .. 'holes', id) end
end

if what == 'progress' then
  if call('HEXISTS', q .. 'session:' .. ARGV[3], id) == 0 then return 'refused' end
  call('HSET', q .. 'progress', id, ARGV[4])
  return 'done'
elseif what == 'cancel' then
  if state == 'active' then
    call('SADD', q .. 'cancelling', id)
    return 'asked'
  end
  if state ~= 'waiting' and state ~= 'delayed' then return 'refused' end
  leave()
  finish(id, 'cancelled', started, runs, stalls, priority, key)
  return 'done'
elseif what == 'remove' then
  if state == 'active' then return 'refused' end
  if state == 'waiting' or state == 'delayed' then owe(id, 'cancelled', call('HGET', q .. 'errors', id)) end
  leave()
  freeKey(id, key)
  forget({id})
  return 'done'
elseif what == 'retry' then
  if state ~= 'failed' and state ~= 'cancelled' then return 'refused' end
  leave()
  putMark(id, 0, 0, priority, 0, '')
  call('HDEL', q .. 'errors', id)
  call('HDEL', q .. 'progress', id)
  if ARGV[3] then call('HSET', KEYS[1], id, ARGV[3]) end
  if call('ZREM', q .. 'owed', id) == 1 then call('HDEL', q .. 'debts', id) end
  if tonumber(call('ZSCORE', q .. 'awaits', id) or 0) > 0 then call('ZADD', q .. 'delayed', int(HELD), id) else admit(id, priority) end
elseif what == 'promote' then
  if state ~= 'delayed' or tonumber(call('ZSCORE', q .. 'delayed', id)) == HELD then return 'refused' end
  leave()
  enter(id, priority, false)
end
wake()
return 'done'`,
};
