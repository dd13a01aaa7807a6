import { BASE, ENTER, MARK } from './parts.ts';

/**
 * Adds jobs; an id that is known, or whose dedupe key is held, adds nothing. Per batch of plain jobs: one GET, one HMGET, one HSET, one RPUSH.
 * A push that replaces the body of the holder of its key costs about ten commands more.
 * ARGV: 1 when the queue has just been listed, else 0; id, body, priority, delayMs, dedupe key ('' for none, else behind '=' to keep, '!' to replace, '~' to
 * debounce) per job.
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
local seen, bodies, waiting, answer, hint = {}, {}, {}, {}, false

-- A holder that does not run takes the body over. True when it did; else the key is free for a new job.
local function replace(holder, key, body, delay, debounce)
  if not seen[holder] and call('HEXISTS', KEYS[1], holder) == 0 then return false end
  local runs, stalls, priority, started = mark(call('HGET', q .. 'marks', holder))
  if call('ZSCORE', q .. 'active', holder) then
    putMark(holder, runs, stalls, priority, started, '')
    return false
  end
  bodies[#bodies + 1] = holder
  bodies[#bodies + 1] = body
  putMark(holder, 0, 0, priority, 0, key)
  call('HDEL', q .. 'errors', holder)
  call('HDEL', q .. 'progress', holder)
  local due = debounce and tonumber(call('ZSCORE', q .. 'delayed', holder) or nil)
  if due then
    if delay > 0 then call('ZADD', q .. 'delayed', int(now + delay), holder) else
      call('ZREM', q .. 'delayed', holder)
      if priority == 0 then waiting[#waiting + 1] = holder else enter(holder, priority, false) end
    end
    if now + delay < due then hint = true end
  end
  return true
end

local ids = {}
for i = 2, #ARGV, 5 do ids[#ids + 1] = ARGV[i] end
local known = call('HMGET', KEYS[1], unpack(ids))
local holes = call('EXISTS', q .. 'holes') == 1
for n, id in ipairs(ids) do
  local at = n * 5 - 3
  local priority, delay, key = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), ARGV[at + 4]
  local holder, mode = (known[n] or seen[id]) and id, '='
  if key ~= '' then
    mode, key = string.sub(key, 1, 1), string.sub(key, 2)
    if not holder then
      holder = call('HGET', q .. 'dedupe', key)
      if holder and mode ~= '=' and not replace(holder, key, ARGV[at + 1], delay, mode == '~') then holder = false end
    end
  end
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
