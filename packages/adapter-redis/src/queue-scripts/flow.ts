import { MAX_PARTS, TRANSFER_PAGE_BYTES } from '@portolan/core';
import { BASE, ENTER, FINISH, MARK, OWE } from './parts.ts';

/**
 * A part of what a job awaits; the job, where it is held, waits or fails over it. Eight commands, some more for the last part.
 * ARGV: id, part, turn, text, and the error if it fails the job. Answers as `Amended`.
 */
export const DELIVER = {
  name: 'portolanQueueDeliver',
  lua: `${BASE}${MARK}${ENTER}${OWE}${FINISH}
local id, part, turn, fails = ARGV[1], ARGV[2], ARGV[3], #ARGV > 4
if call('HEXISTS', KEYS[1], id) == 0 then return 'missing' end
local parts = q .. 'parts:' .. id
local left, known = tonumber(call('ZSCORE', q .. 'awaits', id) or nil), call('HGET', parts, part)
if not left or (not known and (left == 0 or call('HLEN', parts) >= ${MAX_PARTS})) then return 'refused' end
local oldTurn, oldFails = string.match(known or '', '^(%d+):(%d):')
if known and tonumber(oldTurn) >= tonumber(turn) then return 'done' end
local counted = oldFails == '0'
if fails and counted then left = left + 1 elseif not fails and not counted then left = left - 1 end
call('HSET', parts, part, turn .. ':' .. (fails and 1 or 0) .. ':' .. ARGV[4])
call('ZADD', q .. 'awaits', left, id)
if tonumber(call('ZSCORE', q .. 'delayed', id) or 0) ~= HELD then return 'done' end
if not fails and left > 0 then return 'done' end
call('ZREM', q .. 'delayed', id)
local runs, stalls, priority, started, key = mark(call('HGET', q .. 'marks', id))
if fails then
  call('HSET', q .. 'errors', id, ARGV[5])
  finish(id, 'failed', started, runs, stalls, priority, key)
else
  admit(id, priority)
  wake()
end
return 'done'`,
};

/** Strikes an owed entry off, or puts it off. ARGV: id, turn, delayMs or -1 to strike. Three commands. Answers as `Amended`. */
export const STRIKE = {
  name: 'portolanQueueStrike',
  lua: `${BASE}
local id, delay, entry = ARGV[1], tonumber(ARGV[3]), call('HGET', q .. 'debts', ARGV[1])
local turn, missed, rest = string.match(entry or '', '^(%d+):(%d*):(.*)$')
if turn ~= ARGV[2] then return 'missing' end
if delay < 0 then
  call('HDEL', q .. 'debts', id)
  call('ZREM', q .. 'owed', id)
else
  call('HSET', q .. 'debts', id, turn .. ':' .. (missed == '' and int(now) or missed) .. ':' .. rest)
  call('ZADD', q .. 'owed', int(now + delay), id)
end
return 'done'`,
};

/** Up to so many owed entries that are due. ARGV: limit. Answers {id, entry as stored} and the store's time; O(limit), and it ends behind `TRANSFER_PAGE_BYTES`. */
export const OWED = {
  name: 'portolanQueueOwed',
  lua: `${BASE}
local owed, left = {}, ${TRANSFER_PAGE_BYTES}
for _, id in ipairs(call('ZRANGE', q .. 'owed', '-inf', int(now), 'BYSCORE', 'LIMIT', 0, ARGV[1])) do
  local entry = left > 0 and call('HGET', q .. 'debts', id)
  if entry then
    left = left - #entry
    owed[#owed + 1] = id
    owed[#owed + 1] = entry
  end
end
return {int(now), owed}`,
};

/** A page of a job's parts, sorted by name. ARGV: id, offset, limit. Answers the next offset (-1 at the end) and {part, part as stored}. O(parts · log). */
export const PARTS = {
  name: 'portolanQueueParts',
  lua: `${BASE}
local key, from, limit = q .. 'parts:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local names, page = call('HKEYS', key), {}
table.sort(names)
for at = from + 1, math.min(from + limit, #names) do
  page[#page + 1] = names[at]
  page[#page + 1] = call('HGET', key, names[at])
end
return {from + limit < #names and from + limit or -1, page}`,
};
