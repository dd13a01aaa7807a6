import { BASE } from './parts.ts';
import { PUSH_BODY, PUSH_PARTS } from './push.ts';

/**
 * Adds a schedule or changes it; its next tick stays while its timing does. Four to seven commands.
 * ARGV: id, timing, template, next tick ('' for none left), most. Answers as `Amended`, or 'full' with nothing changed.
 */
export const SCHEDULE = {
  name: 'portolanQueueSchedule',
  lua: `${BASE}
local id, at = ARGV[1], ARGV[4]
local known = call('HGET', q .. 'timings', id)
if known ~= ARGV[2] then
  if at == '' then
    if not known then return 'missing' end
    call('ZREM', q .. 'schedules', id)
    for _, part in ipairs({'timings', 'templates', 'ticks'}) do call('HDEL', q .. part, id) end
    return 'done'
  end
  if not known and call('ZCARD', q .. 'schedules') >= tonumber(ARGV[5]) then return 'full' end
  call('ZADD', q .. 'schedules', at, id)
  call('HSET', q .. 'timings', id, ARGV[2])
end
call('HSET', q .. 'templates', id, ARGV[3])
return 'done'`,
};

/** Removes a schedule. Four commands. ARGV: id. Answers as `Amended`. */
export const UNSCHEDULE = {
  name: 'portolanQueueUnschedule',
  lua: `${BASE}
for _, part in ipairs({'timings', 'templates', 'ticks'}) do call('HDEL', q .. part, ARGV[1]) end
return call('ZREM', q .. 'schedules', ARGV[1]) == 1 and 'done' or 'missing'`,
};

/**
 * Fires a tick: if the schedule's next tick is still the one told, and has come, sets the next and pushes jobs (push.ts). Three commands more than that push.
 * ARGV: id, tick, next tick ('' to remove the schedule), newest tick that makes a job ('' for none), a template and what replaces it ('' for none), then as PUSH, or nothing without jobs. Answers as `Amended`, or nothing as PUSH.
 */
export const FIRE = {
  name: 'portolanQueueFire',
  lua: `${BASE}${PUSH_PARTS}
local id, nextAt, lastAt = ARGV[1], ARGV[3], ARGV[4]
local at = call('ZSCORE', q .. 'schedules', id)
if not at then return 'missing' end
if tonumber(at) ~= tonumber(ARGV[2]) or tonumber(at) > now then return 'refused' end
if #ARGV > 6 then
  local function push(ARGV)
${PUSH_BODY}
  end
  local rest = {}
  for i = 7, #ARGV do rest[i - 6] = ARGV[i] end
  if not push(rest) then return false end
end
if nextAt == '' then
  call('ZREM', q .. 'schedules', id)
  for _, part in ipairs({'timings', 'templates', 'ticks'}) do call('HDEL', q .. part, id) end
else
  call('ZADD', q .. 'schedules', nextAt, id)
  if lastAt ~= '' then call('HSET', q .. 'ticks', id, lastAt) end
  if ARGV[6] ~= '' and call('HGET', q .. 'templates', id) == ARGV[5] then call('HSET', q .. 'templates', id, ARGV[6]) end
end
return 'done'`,
};

/** tell(ids, at, answer): adds id, timing, template, next tick, newest tick that made a job or '' of each schedule that is there. Three commands. */
const TELL = `
local function tell(ids, at, answer)
  if #ids == 0 then return answer end
  local timings, templates = call('HMGET', q .. 'timings', unpack(ids)), call('HMGET', q .. 'templates', unpack(ids))
  local ticks = call('HMGET', q .. 'ticks', unpack(ids))
  for i, id in ipairs(ids) do
    if at[i] and timings[i] then
      for _, value in ipairs({id, timings[i], templates[i] or '', at[i], ticks[i] or ''}) do answer[#answer + 1] = value end
    end
  end
  return answer
end
`;

/**
 * A page of schedules, the next due first. ARGV: offset, limit (0 for none). Two commands, and three for a page that is not empty.
 * Answers now, next offset (-1 at the end), and what `tell` says.
 */
export const SCHEDULES = {
  name: 'portolanQueueSchedules',
  lua: `${BASE}${TELL}
local offset, limit = tonumber(ARGV[1]), tonumber(ARGV[2])
local last = offset + limit
local answer = {now, last < call('ZCARD', q .. 'schedules') and last or -1}
local found = limit > 0 and call('ZRANGE', q .. 'schedules', offset, last - 1, 'WITHSCORES') or {}
local ids, at = {}, {}
for i = 1, #found, 2 do
  ids[#ids + 1] = found[i]
  at[#at + 1] = found[i + 1]
end
return tell(ids, at, answer)`,
};

/** The schedules of these ids, for a move. ARGV: at least one id. Four commands. Answers what `tell` says. */
export const DUMP_SCHEDULES = {
  name: 'portolanTransferSchedules',
  lua: `${BASE}${TELL}
return tell(ARGV, call('ZMSCORE', q .. 'schedules', unpack(ARGV)), {})`,
};

/** Puts in a schedule of another store, unless it is here. ARGV: id, timing, template, next tick, newest tick or '', most. Answers 0 for one too many, else 1. */
export const LOAD_SCHEDULE = {
  name: 'portolanTransferSchedule',
  lua: `${BASE}
local id = ARGV[1]
if call('ZSCORE', q .. 'schedules', id) then return 1 end
if call('ZCARD', q .. 'schedules') >= tonumber(ARGV[6]) then return 0 end
call('ZADD', q .. 'schedules', ARGV[4], id)
call('HSET', q .. 'timings', id, ARGV[2])
call('HSET', q .. 'templates', id, ARGV[3])
if ARGV[5] ~= '' then call('HSET', q .. 'ticks', id, ARGV[5]) end
return 1`,
};
