import { BASE, ENTER, MARK } from './parts.ts';

/**
 * Adds jobs; an id that is known, or whose dedupe key is held, adds nothing. Per batch of plain jobs: one GET, one HMGET, one HSET, one RPUSH.
 * ARGV: 1 when the queue has just been listed, else 0; id, body, priority, delayMs, dedupeKey ('' for none) per job.
 * Answers id, created (0 or 1) per job; or nothing, with nothing changed, when the queue must be listed first (names.ts): it is not, or was a minute ago.
 */
export const PUSH = {
  name: 'portolanQueuePush',
  lua: `${BASE}${MARK}${ENTER}
if ARGV[1] == '1' then
  call('SET', q .. 'listed', int(now))
  call('PERSIST', q .. 'sessions')
else
  local listed = call('GET', q .. 'listed')
  if not listed or tonumber(listed) < now - 60000 then return false end
end
local ids = {}
for i = 2, #ARGV, 5 do ids[#ids + 1] = ARGV[i] end
local known = call('HMGET', KEYS[1], unpack(ids))
local holes = call('EXISTS', q .. 'holes') == 1
local seen, bodies, waiting, answer, hint = {}, {}, {}, {}, false
for n, id in ipairs(ids) do
  local at = n * 5 - 3
  local priority, delay, key = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), ARGV[at + 4]
  local holder = (known[n] or seen[id]) and id or (key ~= '' and call('HGET', q .. 'dedupe', key))
  if not holder then
    seen[id] = true
    bodies[#bodies + 1] = id
    bodies[#bodies + 1] = ARGV[at + 1]
    if key ~= '' then call('HSET', q .. 'dedupe', key, id) end
    if priority ~= 0 or key ~= '' then putMark(id, 0, 0, priority, 0, key) end
    -- A removed job of this very id may still have its hole: rare, so its search may cost what it costs.
    if holes and call('SREM', q .. 'holes', id) == 1 then
      if call('ZREM', q .. 'ranked', id) == 0 then call('LREM', q .. 'waiting', 1, id) end
    end
    if delay > 0 then
      call('ZADD', q .. 'delayed', int(now + delay), id)
      if call('ZRANGE', q .. 'delayed', 0, 0)[1] == id then hint = true end
    elseif priority == 0 then
      waiting[#waiting + 1] = id
      hint = true
    else
      enter(id, priority, false)
      hint = true
    end
  end
  answer[#answer + 1] = holder or id
  answer[#answer + 1] = holder and 0 or 1
end
if #bodies > 0 then call('HSET', KEYS[1], unpack(bodies)) end
if #waiting > 0 then call('RPUSH', q .. 'waiting', unpack(waiting)) end
if hint then wake() end
return answer`,
};
