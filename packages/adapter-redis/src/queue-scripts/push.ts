import { onDemand } from './on-demand.ts';
import { BASE, ENTER, LEASES, MARK } from './parts.ts';

/** A holder that does not run takes the body over. True when it did; else the key is free for a new job. */
const REPLACE = `
local function replace(holder, key, body, delay, debounce)
  if call('HEXISTS', KEYS[1], holder) == 0 then return false end
  local runs, stalls, priority, started = mark(call('HGET', q .. 'marks', holder))
  if takenAt(holder) then
    putMark(holder, runs, stalls, priority, started, '')
    return false
  end
  call('HSET', KEYS[1], holder, body)
  putMark(holder, 0, 0, priority, 0, key)
  call('HDEL', q .. 'errors', holder)
  call('HDEL', q .. 'progress', holder)
  local due = debounce and tonumber(call('ZSCORE', q .. 'delayed', holder) or nil)
  if due and due ~= HELD then
    if delay > 0 then call('ZADD', q .. 'delayed', int(now + delay), holder) else
      call('ZREM', q .. 'delayed', holder)
      enter(holder, priority, false)
    end
    if now + delay < due then hint = true end
  end
  return true
end
`;

export const PUSH_PARTS = `local hint = false
${onDemand('needTools', `${MARK}${ENTER}${LEASES}${REPLACE}`)}`;

/** What PUSH does, after BASE and the parts; of a script that does more as well (schedule.ts) it is a function of its ARGV. */
export const PUSH_BODY = `if ARGV[1] == '1' then
  call('SET', q .. 'listed', nowText)
  call('PERSIST', q .. 'sessions')
else
  local listed = call('GET', q .. 'listed')
  if not listed or tonumber(listed) < now - 60000 then return false end
end
local plain = tonumber(ARGV[2])
local first = 2 * plain + 3
local holes = call('EXISTS', q .. 'holes') == 1
-- A removed job of this very id may still have its hole: rare, so its search may cost what it costs.
local function fillHole(id)
  if holes and call('SREM', q .. 'holes', id) == 1 then
    if call('ZREM', q .. 'ranked', id) == 0 then call('LREM', q .. 'waiting', 1, id) end
  end
end

local known = {}
if plain > 0 then
  local ids, seen, new, fresh = {}, {}, {}, {}
  for i = 1, plain do ids[i] = ARGV[2 * i + 1] end
  local bodies = call('HMGET', KEYS[1], unpack(ids))
  for i, id in ipairs(ids) do
    if bodies[i] or seen[id] then
      known[#known + 1] = i
    else
      seen[id] = true
      if holes then fillHole(id) end
      new[#new + 1] = id
    end
  end
  if #new == plain then
    call('HSET', KEYS[1], unpack(ARGV, 3, 2 * plain + 2))
  elseif #new > 0 then
    local nth = 1
    for i = 1, plain do
      if i == known[nth] then nth = nth + 1 else
        fresh[#fresh + 1] = ids[i]
        fresh[#fresh + 1] = ARGV[2 * i + 2]
      end
    end
    call('HSET', KEYS[1], unpack(fresh))
  end
  if #new > 0 then
    call('RPUSH', q .. 'waiting', unpack(new))
    hint = true
  end
end

if #ARGV >= first then needTools() end
local answer = {}
for at = first, #ARGV, 6 do
  local id, priority, delay, key, group = ARGV[at], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), ARGV[at + 4], nil
  if not priority then
    priority, group = string.match(ARGV[at + 2], '^(-?%d+):(.*)$')
    priority = tonumber(priority)
  end
  local holder, mode = call('HEXISTS', KEYS[1], id) == 1 and id, '='
  if key ~= '' then
    mode, key = string.sub(key, 1, 1), string.sub(key, 2)
    if not holder then
      holder = call('HGET', q .. 'dedupe', key)
      if holder and mode ~= '=' and not replace(holder, key, ARGV[at + 1], delay, mode == '~') then holder = false end
    end
  end
  if not holder then
    call('HSET', KEYS[1], id, ARGV[at + 1])
    if group then call('HSET', q .. 'groups', id, group) end
    if key ~= '' then call('HSET', q .. 'dedupe', key, id) end
    if priority ~= 0 or key ~= '' then putMark(id, 0, 0, priority, 0, key) end
    fillHole(id)
    local awaits, parent = string.match(ARGV[at + 5], '^(%d+):(.*)$')
    if parent and parent ~= '' then call('HSET', q .. 'parents', id, parent) end
    if awaits and awaits ~= '0' then
      call('ZADD', q .. 'awaits', awaits, id)
      call('ZADD', q .. 'delayed', int(HELD), id)
    elseif delay > 0 then
      call('ZADD', q .. 'delayed', int(now + delay), id)
      if call('ZRANGE', q .. 'delayed', 0, 0)[1] == id then hint = true end
    else
      enter(id, priority, false)
      hint = true
    end
  end
  answer[#answer + 1] = holder or id
  answer[#answer + 1] = holder and 0 or 1
end
if hint and ARGV[1] ~= '2' then wake() end
return {known, answer}`;

/**
 * Adds jobs; an id that is known, or whose dedupe key is held, adds nothing. Plain jobs (no delay, priority, dedupe key or group) cost one GET, one HMGET, one
 * HSET and one RPUSH for all of them; others a few commands each,
 * and about ten more where the holder of the dedupe key takes a new body.
 * ARGV: 1 when the queue has just been listed, 2 when nobody need be woken, else 0; the number of plain jobs; id, body per plain job; then per other job id, body, priority (and behind ':' its
 * group if it has one), delayMs, dedupe key ('' for none, else behind '=' to keep, '!' to replace, '~' to debounce), kin (`awaits:parent`, or '' for neither). Answers {which of the plain jobs were known,
 * from 1}, {the id that stands, created (0 or 1) per other job}; or nothing, with nothing changed, when the queue must be listed first (names.ts): it is not, or
 * was a minute ago.
 */
export const PUSH = {
  name: 'portolanQueuePush',
  lua: `${BASE}${PUSH_PARTS}
${PUSH_BODY}`,
};
