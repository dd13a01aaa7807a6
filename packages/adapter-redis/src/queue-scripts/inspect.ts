import { BASE, LEASES, MARK, RESULT } from './parts.ts';

/**
 * Reads a queue's summary and up to 500 jobs: those named, or a page of a state. About ten commands per job; a page of `waiting` reads only itself
 * (and walks to it: a far page of a long list costs its distance divided by the list's node size).
 * ARGV: 'jobs' and ids; or a state, offset, limit. Changes nothing.
 * Answers paused, {waiting, delayed, active, completed, failed, cancelled}, {jobs: id, body, state, priority, attempts, stalls, progress, result, error,
 * dueAt, startedAt, finishedAt, group, parent, awaits}, next offset (-1 at the end), limits.
 */
export const INSPECT = {
  name: 'portolanQueueInspect',
  lua: `${BASE}${MARK}${LEASES}${RESULT}
local what = ARGV[1]
local ranked, list, aside = call('ZCARD', q .. 'ranked'), call('LLEN', q .. 'waiting'), call('ZCARD', q .. 'aside')
local counts = {ranked + list + aside - call('SCARD', q .. 'holes')}
for i, one in ipairs({'delayed', 'active', 'completed', 'failed', 'cancelled'}) do
  counts[i + 1] = one == 'active' and activeCount() or call('ZCARD', q .. one)
end

local ids, taken, nextOffset = {}, {}, -1
if what == 'jobs' then
  for i = 2, #ARGV do ids[i - 1] = ARGV[i] end
elseif what ~= 'none' then
  local offset, limit = tonumber(ARGV[2]), tonumber(ARGV[3])
  local total
  if what == 'waiting' then
    -- Higher priorities, then 0, then lower ones, as one list; then those aside.
    local high = ranked > 0 and call('ZCOUNT', q .. 'ranked', '-inf', 0) or 0
    total = ranked + list + aside
    local function add(key, command, first, last, shift)
      local from, to = math.max(offset, first), math.min(offset + limit, last) - 1
      if from > to then return end
      for _, id in ipairs(call(command, q .. key, from - shift, to - shift)) do ids[#ids + 1] = id end
    end
    add('ranked', 'ZRANGE', 0, high, 0)
    add('waiting', 'LRANGE', high, high + list, high)
    add('ranked', 'ZRANGE', high + list, ranked + list, list)
    add('aside', 'ZRANGE', ranked + list, total, ranked + list)
  elseif what == 'active' then
    local all = leases()
    total = #all
    for n = offset + 1, math.min(offset + limit, total) do
      ids[#ids + 1] = all[n][1]
      taken[all[n][1]] = all[n][2]
    end
  else
    total = call('ZCARD', q .. what)
    local newestFirst = what == 'completed' or what == 'failed' or what == 'cancelled'
    ids = call(newestFirst and 'ZREVRANGE' or 'ZRANGE', q .. what, offset, offset + limit - 1)
  end
  if offset + limit < total then nextOffset = offset + limit end
end

local jobs, kin = {}, call('EXISTS', q .. 'parents', q .. 'awaits') > 0
for _, id in ipairs(ids) do
  local body = call('HGET', KEYS[1], id)
  local state, score = 'waiting', false
  for _, one in ipairs({'delayed', 'completed', 'failed', 'cancelled'}) do
    local found = call('ZSCORE', q .. one, id)
    if found then state, score = one, found end
  end
  if state == 'waiting' and what ~= 'waiting' then
    score = taken[id] or takenAt(id) or false
    if score then state = 'active' end
  end
  -- A hole is not what its list says.
  if body and (what == 'jobs' or state == what) then
    local marked = call('HGET', q .. 'marks', id)
    local runs, stalls, priority, started = mark(marked)
    local ran, result = fromResult(call('HGET', q .. 'results', id))
    if state == 'completed' and not marked then runs = 1 end
    local begun = state == 'active' and score or ran or (started > 0 and int(started) or false)
    local ended = state ~= 'waiting' and state ~= 'delayed' and state ~= 'active' and score
    jobs[#jobs + 1] = {id, body, state, priority, runs + (state == 'active' and 1 or 0), stalls,
      call('HGET', q .. 'progress', id), result or false, call('HGET', q .. 'errors', id),
      state == 'delayed' and tonumber(score) ~= HELD and score or false, begun, ended, call('HGET', q .. 'groups', id),
      kin and call('HGET', q .. 'parents', id), kin and call('ZSCORE', q .. 'awaits', id)}
  end
end
return {call('EXISTS', q .. 'paused'), counts, jobs, nextOffset, call('GET', q .. 'limits')}`,
};
