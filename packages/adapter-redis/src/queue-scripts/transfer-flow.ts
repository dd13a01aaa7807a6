import { MAX_PARTS } from '@portolan/core';
import { BASE } from './parts.ts';

/**
 * A page of the parts that stand with a queue's jobs, job by job. Goes on behind so many parts of the job that came last, or at the first job when that is gone.
 * ARGV: id ('' at the start), how many of its parts came, limit, most bytes. Answers both to go on behind ('' and 0 at the end), then id, part and part as stored.
 * O(limit), and the parts of a job sorted for every page that begins or ends within it.
 */
export const DUMP_PARTS = {
  name: 'portolanTransferParts',
  lua: `${BASE}
local ALL = ${MAX_PARTS + 1}
local after, told, limit, bytes = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local from = after ~= '' and call('ZRANK', q .. 'awaits', after)
if not from then told = 0 elseif told == ALL then from, told = from + 1, 0 end
local ids, page = call('ZRANGE', q .. 'awaits', from or 0, (from or 0) + limit - 1), {'', 0}
for _, id in ipairs(ids) do
  local names = call('HKEYS', q .. 'parts:' .. id)
  table.sort(names)
  for at = told + 1, #names do
    local part = call('HGET', q .. 'parts:' .. id, names[at])
    for _, value in ipairs({id, names[at], part}) do page[#page + 1] = value end
    bytes = bytes - #part
    if #page >= limit * 3 + 2 or bytes <= 0 then
      page[1], page[2] = id, at
      return page
    end
  end
  told = 0
end
if #ids == limit then page[1], page[2] = ids[limit], ALL end
return page`,
};

/** A page of what a queue owes. ARGV: id to go on behind ('' at the start), its score, limit, most bytes. Answers both to go on behind, then id and entry as stored. O(limit). */
export const DUMP_OWED = {
  name: 'portolanTransferOwed',
  lua: `${BASE}
local after, limit, bytes, from = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), 0
if after ~= '' then
  local rank = call('ZRANK', q .. 'owed', after)
  from = rank and rank + 1 or call('ZCOUNT', q .. 'owed', '-inf', '(' .. ARGV[2])
end
local found, page = call('ZRANGE', q .. 'owed', from, from + limit - 1, 'WITHSCORES'), {'', 0}
for i = 1, #found, 2 do
  local entry = call('HGET', q .. 'debts', found[i])
  if entry then
    page[#page + 1] = found[i]
    page[#page + 1] = entry
    bytes = bytes - #entry
  end
  if i + 1 == limit * 2 or bytes <= 0 then
    page[1], page[2] = found[i], found[i + 1]
    return page
  end
end
return page`,
};

/** Puts in parts of another store, whose jobs have counted them. ARGV per part: id, part, turn, part as stored. O(parts). */
export const LOAD_PARTS = {
  name: 'portolanTransferPutParts',
  lua: `${BASE}
for at = 1, #ARGV, 4 do
  local key = q .. 'parts:' .. ARGV[at]
  local turn = string.match(call('HGET', key, ARGV[at + 1]) or '', '^(%d+):')
  if call('HEXISTS', KEYS[1], ARGV[at]) == 1 and tonumber(turn or 0) < tonumber(ARGV[at + 2]) then
    call('HSET', key, ARGV[at + 1], ARGV[at + 3])
  end
end
return 1`,
};

/** Puts in what is owed in another store, due at once. ARGV per entry: id, turn, entry as stored. O(entries · log n). */
export const LOAD_OWED = {
  name: 'portolanTransferOwe',
  lua: `${BASE}
for at = 1, #ARGV, 3 do
  local id, turn = ARGV[at], tonumber(ARGV[at + 1])
  local known = string.match(call('HGET', q .. 'debts', id) or '', '^(%d+):')
  if tonumber(known or 0) < turn then
    call('HSET', q .. 'debts', id, ARGV[at + 2])
    call('ZADD', q .. 'owed', 0, id)
    if tonumber(call('HGET', q .. 'meta', 'turn') or 0) < turn then call('HSET', q .. 'meta', 'turn', ARGV[at + 1]) end
  end
end
return 1`,
};
