import { AGAIN, CLAIM, TAKE_WITH_CARE } from './exchange-claim.ts';
import { TAKE_WITHIN } from './exchange-limits.ts';
import { SETTLE } from './exchange-settle.ts';
import { GROUPS, LIMITS } from './groups.ts';
import { onDemand } from './on-demand.ts';
import { BASE, DUE, ENTER, FINISH, LEASES, MARK, OWE, TO_CANCEL, TRIM } from './parts.ts';

/**
 * Settles k jobs, promotes what is due (at most 200), claims n. About fifteen commands a call, each for the whole batch, as long as jobs complete at their
 * first run; a few more per job that ends otherwise, has a dedupe key or leaves a hole.
 *
 * ARGV: session, nonce, leaseMs, claim, retention (completed count, failed count), then id, outcome, delayMs, text per settled job.
 * With limits, and for jobs in groups, what groups.ts says.
 * Answers created, ms when the jobs were taken, {id, body per job}, {marks, when a job may not be at its first run}, {refused ids}, {ids to cancel}, ms until time gives
 * something to claim (-1 for never), whether something is owed (0 or 1). A list without an element is null: Redis takes half a microsecond over an empty one.
 */
export const EXCHANGE = {
  name: 'portolanQueueExchange',
  lua: `${BASE}${TRIM}
local function orNull(list) return #list > 0 and list end
local sid, nonce, claim = ARGV[1], ARGV[2], tonumber(ARGV[4])
local session = q .. 'session:' .. sid
local created = call('ZADD', q .. 'sessions', int(now + ARGV[3]), sid)
-- What stands here of a session that the list has lost is lost to it; only its last word counts.
if created == 1 and call('PERSIST', session) == 0 and call('HLEN', session) > 1 then
  local word = call('HGET', session, '')
  call('DEL', session)
  if word then call('HSET', session, '', word) end
end

-- One look tells whether any of the rarer structures matters; what may make them matter below sets it again.
local rare = call('EXISTS', q .. 'ranked', q .. 'holes', q .. 'cancelling', q .. 'paused', q .. 'delayed', q .. 'marks',
  q .. 'limits', q .. 'groups', q .. 'parents', q .. 'owed') > 0
${LIMITS}${onDemand('needTools', `${MARK}${ENTER}${OWE}${FINISH}${TO_CANCEL}${LEASES}${GROUPS}${TAKE_WITH_CARE}${TAKE_WITHIN}${DUE}`)}
if rare then needTools() end
local settled, ids, at, seen, refused = {''}, {}, {}, {}, {}
for i = 7, #ARGV, 4 do
  local id = ARGV[i]
  if seen[id] then refused[#refused + 1] = id else
    seen[id] = true
    ids[#ids + 1] = id
    at[#at + 1] = i
    settled[#settled + 1] = id
  end
end
local found = call('HMGET', session, unpack(settled))
local last = found[1] and cmsgpack.unpack(found[1])
if last and last[1] == nonce then
  if not rare then needTools() end
  ${AGAIN}
end
${SETTLE}
if rare and delayedIn() == 0 then
  local ids = call('ZRANGE', q .. 'delayed', '-inf', nowText, 'BYSCORE', 'LIMIT', 0, 200)
  local marks = call('HMGET', q .. 'marks', unpack(ids))
  call('ZREM', q .. 'delayed', unpack(ids))
  for i, id in ipairs(ids) do
    local _, _, priority = mark(marks[i])
    enter(id, priority, false)
  end
end
${CLAIM}
local count = #jobs / 2
if not paused and room > count and (rare or count == claim or not finished) and call('LLEN', q .. 'wake') == 0
  and call('EXISTS', q .. 'waiting', q .. 'ranked', q .. 'ready') > 0 then call('RPUSH', q .. 'wake', '1') end
-- The session's last word: nobody need sweep it.
if ARGV[3] == '0' and call('HLEN', session) == 1 then
  call('ZREM', q .. 'sessions', sid)
  call('PEXPIRE', session, 600000)
end
local due = finished and -1 or 0
if not rare then return {created, nowText, orNull(jobs), false, orNull(refused), false, due, 0} end
return {created, nowText, orNull(jobs), orNull(marksOf(taken)), orNull(refused), orNull(toCancel(session)), finished and dueIn() or 0, owes()}`,
};
