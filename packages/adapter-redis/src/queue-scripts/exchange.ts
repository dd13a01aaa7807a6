import { BASE, ENTER, FINISH, MARK, TRIM } from './parts.ts';

/**
 * Settles k jobs, promotes what is due (at most 200), claims n. About twenty commands a call, each for the whole batch, as long as jobs complete;
 * a few more per job that ends otherwise, has a dedupe key or leaves a hole.
 *
 * ARGV: session, nonce, leaseMs, claim, retention (completed count, failed count), then id, outcome, delayMs, text per settled job.
 * Answers created, {id, body, attempt, stalls, startedAt per job}, {refused ids}, {ids to cancel}, ms until the next delayed job (-1 for none).
 */
export const EXCHANGE = {
  name: 'portolanQueueExchange',
  lua: `${BASE}${MARK}${ENTER}${FINISH}${TRIM}
local sid, nonce, claim = ARGV[1], ARGV[2], tonumber(ARGV[4])
local session, reply = q .. 'session:' .. sid, q .. 'reply:' .. sid
local created = call('ZADD', q .. 'sessions', int(now + tonumber(ARGV[3])), sid)

-- One look tells whether any of the rarer structures matters; what may make them matter below sets it again.
local rare = call('EXISTS', q .. 'ranked', q .. 'holes', q .. 'cancelling', q .. 'paused') > 0

-- bodies: as they were read with HMGET; at: when they were taken, looked up if not said.
local function lease(ids, bodies, at)
  local jobs = {}
  if #ids == 0 then return jobs end
  local marks, started = call('HMGET', q .. 'marks', unpack(ids)), at and {} or call('ZMSCORE', q .. 'active', unpack(ids))
  for i, id in ipairs(ids) do
    local runs, stalls = mark(marks[i])
    for _, value in ipairs({id, bodies[i], runs + 1, stalls, int(started[i] or now)}) do jobs[#jobs + 1] = value end
  end
  return jobs
end

local function toCancel()
  if not rare or call('EXISTS', q .. 'cancelling') == 0 then return {} end
  return call('SINTER', session, q .. 'cancelling')
end

local function dueIn()
  local head = call('ZRANGE', q .. 'delayed', 0, 0, 'WITHSCORES')
  return head[2] and math.max(tonumber(head[2]) - now, 0) or -1
end

local last = call('GET', reply)
last = last and cmsgpack.unpack(last)
if last and last[1] == nonce then
  local ids = {}
  if #last[3] > 0 then
    local held = call('SMISMEMBER', session, unpack(last[3]))
    for i, id in ipairs(last[3]) do if held[i] == 1 then ids[#ids + 1] = id end end
  end
  local bodies = #ids > 0 and call('HMGET', KEYS[1], unpack(ids)) or {}
  return {math.max(created, last[2]), lease(ids, bodies), last[4], toCancel(), dueIn()}
end

local refused = {}
local function settle(ids, at)
  local held, marks = call('SMISMEMBER', session, unpack(ids)), call('HMGET', q .. 'marks', unpack(ids))
  local started = call('ZMSCORE', q .. 'active', unpack(ids))
  local asked = rare and call('EXISTS', q .. 'cancelling') == 1
  local ended, finished, results, newMarks, errors = {}, {}, {}, {}, {}
  for i, id in ipairs(ids) do
    local outcome, delay, text = ARGV[at[i] + 1], tonumber(ARGV[at[i] + 2]), ARGV[at[i] + 3]
    if held[i] == 0 then
      refused[#refused + 1] = id
    else
      ended[#ended + 1] = id
      local runs, stalls, priority, before, key = mark(marks[i])
      local begun = started[i] or now
      if outcome == 'completed' then
        for _, value in ipairs({now, id}) do finished[#finished + 1] = value end
        for _, value in ipairs({id, text}) do results[#results + 1] = value end
        for _, value in ipairs({id, toMark(runs + 1, stalls, priority, begun, '')}) do newMarks[#newMarks + 1] = value end
        freeKey(id, key)
      else
        rare = true
        local failed = outcome == 'released' and 0 or 1
        if failed == 1 then
          errors[#errors + 1] = id
          errors[#errors + 1] = text
        end
        if outcome == 'retry' or outcome == 'released' then
          if asked and call('SISMEMBER', q .. 'cancelling', id) == 1 then
            outcome = 'cancelled'
          else
            putMark(id, runs + failed, stalls, priority, begun, key)
            if delay > 0 then call('ZADD', q .. 'delayed', int(now + delay), id)
            else enter(id, priority, outcome == 'released') end
          end
        end
        if outcome == 'failed' or outcome == 'cancelled' then
          finish(id, outcome, begun, runs + failed, stalls, priority, key)
        end
      end
    end
  end
  if #ended == 0 then return end
  call('SREM', session, unpack(ended))
  call('ZREM', q .. 'active', unpack(ended))
  if asked then call('SREM', q .. 'cancelling', unpack(ended)) end
  if #finished > 0 then
    call('ZADD', q .. 'completed', unpack(finished))
    call('HSET', q .. 'results', unpack(results))
    call('HSET', q .. 'marks', unpack(newMarks))
    trim('completed', tonumber(ARGV[5]))
  end
  if #errors > 0 then
    call('HSET', q .. 'errors', unpack(errors))
    trim('failed', tonumber(ARGV[6]))
    trim('cancelled', tonumber(ARGV[6]))
  end
end
if #ARGV > 6 then
  local ids, at, seen = {}, {}, {}
  for i = 7, #ARGV, 4 do
    if seen[ARGV[i]] then refused[#refused + 1] = ARGV[i] else
      seen[ARGV[i]] = true
      ids[#ids + 1] = ARGV[i]
      at[#at + 1] = i
    end
  end
  settle(ids, at)
end

local due = dueIn()
if due == 0 then
  rare = true
  local ids = call('ZRANGE', q .. 'delayed', '-inf', int(now), 'BYSCORE', 'LIMIT', 0, 200)
  local marks = call('HMGET', q .. 'marks', unpack(ids))
  call('ZREM', q .. 'delayed', unpack(ids))
  for i, id in ipairs(ids) do
    local _, _, priority = mark(marks[i])
    enter(id, priority, false)
  end
  due = dueIn()
end

local paused = rare and call('EXISTS', q .. 'paused') == 1
local taken, bodies = {}, {}
if claim > 0 and not paused then
  local ranked = rare and call('EXISTS', q .. 'ranked') == 1
  local holes = rare and call('EXISTS', q .. 'holes') == 1
  local function take(ids)
    for _, id in ipairs(ids) do
      if not (holes and call('SREM', q .. 'holes', id) == 1) then taken[#taken + 1] = id end
    end
  end
  -- Pops until there are enough or none; holes are what is popped for nothing, and at most 20 rounds go to them.
  local function takeAll(pop)
    for _ = 1, 20 do
      local ids = #taken < claim and pop(claim - #taken)
      if not ids or #ids == 0 then return end
      take(ids)
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
  if #taken > 0 then
    -- An id whose body is gone (evicted, or deleted by hand) is dropped here.
    local found, ids, scores = call('HMGET', KEYS[1], unpack(taken)), taken, {}
    taken = {}
    for i, id in ipairs(ids) do
      if found[i] then
        taken[#taken + 1] = id
        bodies[#bodies + 1] = found[i]
      end
    end
    for _, id in ipairs(taken) do
      scores[#scores + 1] = now
      scores[#scores + 1] = id
    end
    if #taken > 0 then
      call('ZADD', q .. 'active', unpack(scores))
      call('SADD', session, unpack(taken))
    end
  end
end
if not paused and (call('EXISTS', q .. 'waiting', q .. 'ranked') > 0) then wake() end
call('SET', reply, cmsgpack.pack({nonce, created, taken, refused}), 'PX', 600000)
return {created, lease(taken, bodies, now), refused, toCancel(), due}`,
};
