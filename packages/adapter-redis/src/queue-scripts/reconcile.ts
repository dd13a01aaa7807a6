import { GROUPS, LIMITS } from './groups.ts';
import { BASE, ENTER, FINISH, LEASES, MARK, OWE } from './parts.ts';
import { RECONCILE_GROUPS } from './reconcile-groups.ts';
import { RECONCILE_KEPT } from './reconcile-kept.ts';
import { LOOK } from './reconcile-look.ts';
import { RECONCILE_SEARCH } from './reconcile-search.ts';
import { RECONCILE_STATES } from './reconcile-states.ts';

const told = `
local told = {}
for what, n in pairs(mended) do
  told[#told + 1] = what
  told[#told + 1] = n
end
`;

/**
 * What a queue's keys must be to each other, and what is done where they are not, is told in docs/decisions/2026-11-21-reconcile.md.
 *
 * A page of a reconcile: about 500 entries looked at, each with a command or two and one more for each state, and once or twice in a pass all that is active.
 * Some milliseconds. ARGV: step (from 1), place within it, 1 to change nothing, ms within which no further pass is to begin (0 for none, and for all but the
 * first page). Answers step and place to go on (step 0 at the end, -1 where none is due), how many were looked at, kinds of repairs and how many of each, 1 when the queue holds
 * something and so must be listed.
 */
export const RECONCILE = {
  name: 'portolanQueueReconcile',
  lua: `${BASE}${MARK}${ENTER}${OWE}${FINISH}${LEASES}
local dry = ARGV[3] == '1'
${LOOK}
local rare = true
${LIMITS}${GROUPS}${RECONCILE_STATES}${RECONCILE_GROUPS}${RECONCILE_KEPT}${RECONCILE_SEARCH}
if ARGV[4] ~= '0' and not call('SET', q .. 'reconciled', nowText, 'PX', ARGV[4], 'NX') then return {-1, '', 0, {}, 0} end

-- What names jobs comes before the search, which goes by the numbers; counts come behind what they count.
local STEPS = {
  walkState('completed'), walkState('failed'), walkState('cancelled'), walkActive, walkDelayed, walkAside, walkRanked, walkWaiting,
  walkDedupe, walkMarks, walkKept('results'), walkKept('errors'), walkKept('progress'), walkKept('parents'), walkAwaits, walkLogged,
  walkCancelling, walkOwed, walkDebts, walkSchedules, walkTimings, walkTexts('timings'), walkTexts('templates'), walkTexts('ticks'),
  search, walkKept('groups'), countRunning, walkSides, walkReady, walkFull, walkResting,
}
local step, at = tonumber(ARGV[1]), ARGV[2]
while step <= #STEPS and looked < 500 and spent < SPEND do
  at = STEPS[step](at)
  if not at then step, at = step + 1, '0' end
end
if mended.jobs then wake() end
${told}
local holds = call('EXISTS', KEYS[1], q .. 'schedules', q .. 'paused', q .. 'limits', q .. 'owed') > 0
return {step <= #STEPS and step or 0, at, looked, told, holds and 1 or 0}`,
};

/**
 * Judges keys of a queue that were found by their names: `session:S`, `parts:ID`, `log:I`, `side:G`. What nothing names is named again if its job is there, and
 * else dropped. ARGV: 1 to change nothing, and the keys without what stands before the queue's own. Four commands each at most, and O(1) each. Answers kinds of repairs as above.
 */
export const RECONCILE_KEYS = {
  name: 'portolanQueueReconcileKeys',
  lua: `${BASE}${LEASES}
local dry = ARGV[1] == '1'
${LOOK}
for i = 2, #ARGV do
  local kind, id = string.match(ARGV[i], '^(%a+):(.*)$')
  local stray = false
  if kind == 'session' then
    -- One that has ended keeps its last word, and ends by itself.
    if not call('ZSCORE', q .. 'sessions', id) and redis.call('PTTL', q .. ARGV[i]) == -1 then stray = true end
  elseif kind == 'parts' then stray = not isThere(id)
  elseif kind == 'log' then
    stray = not isThere(id)
    if not stray and call('SISMEMBER', q .. 'logged', id) == 0 then
      call('SADD', q .. 'logged', id)
      mend('sums')
    end
  elseif kind == 'side' then
    stray = not (call('ZSCORE', q .. 'ready', id) or call('ZSCORE', q .. 'full', id))
  end
  -- The names are a moment old: what has ended since is none.
  if stray and call('EXISTS', q .. ARGV[i]) == 1 then
    call('UNLINK', q .. ARGV[i])
    mend('strays')
  end
end
${told}
return told`,
};
