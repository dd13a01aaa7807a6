import { BASE, ENTER, LEASES, MARK, RESULT } from './parts.ts';

/**
 * A page of one of a queue's structures: `active`, `aside`, `ranked`, `waiting`, `delayed`, `completed`, `failed`, `cancelled`. Goes on behind the id that came last,
 * wherever that stands by now; when it is gone, so are those before it in `waiting`, and elsewhere its score tells the place. ARGV: structure, id ('' at the
 * start), its place (index in `waiting`, else score), limit, most bytes. O(limit), and the distance to the id in `waiting` when that moved.
 *
 * Answers id and place to go on behind (or '' at the end), then per job: id, body, asked to cancel, runs, stalls, priority, startedAt, dedupe key, score or '',
 * and of progress, result, error, group and parent each '' or '=' and the text, and how many parts it awaits or ''; then the list of the
 * lines it has logged.
 */
export const DUMP_JOBS = {
  name: 'portolanTransferJobs',
  lua: `${BASE}${MARK}${LEASES}${RESULT}
local what, after, place, limit, bytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local key, ids, scores, from = q .. what, {}, {}, 0
if what == 'waiting' then
  if after ~= '' then
    local at = call('LINDEX', key, place) == after and place or call('LPOS', key, after)
    from = at and at + 1 or 0
  end
  ids = call('LRANGE', key, from, from + limit - 1)
elseif what == 'active' then
  for _, lease in ipairs(leases()) do
    if #ids < limit and (after == '' or lease[2] > ARGV[3] or (lease[2] == ARGV[3] and lease[1] > after)) then
      ids[#ids + 1] = lease[1]
      scores[#scores + 1] = lease[2]
    end
  end
else
  if after ~= '' then
    local rank = call('ZRANK', key, after)
    from = rank and rank + 1 or call('ZCOUNT', key, '-inf', '(' .. ARGV[3])
  end
  local found = call('ZRANGE', key, from, from + limit - 1, 'WITHSCORES')
  for i = 1, #found, 2 do
    ids[#ids + 1] = found[i]
    scores[#scores + 1] = found[i + 1]
  end
end
local page, holes = { '', '' }, (what == 'waiting' or what == 'ranked') and call('EXISTS', q .. 'holes') == 1
local cancelling = what == 'active' and call('EXISTS', q .. 'cancelling') == 1
local kin = call('EXISTS', q .. 'parents', q .. 'awaits') > 0
local function optional(text)
  if text then bytes = bytes - #text end
  return text and '=' .. text or ''
end
local logs = call('EXISTS', q .. 'logged') == 1
local function log(id)
  local lines = logs and call('LRANGE', q .. 'log:' .. id, 0, -1) or {}
  for _, line in ipairs(lines) do bytes = bytes - #line end
  return lines
end
for i, id in ipairs(ids) do
  local body = not (holes and call('SISMEMBER', q .. 'holes', id) == 1) and call('HGET', KEYS[1], id)
  if body then
    bytes = bytes - #body
    local marked = call('HGET', q .. 'marks', id)
    local runs, stalls, priority, started, dedupe = mark(marked)
    local ran, result = fromResult(call('HGET', q .. 'results', id))
    if what == 'completed' and not marked then runs = 1 end
    local asked = cancelling and call('SISMEMBER', q .. 'cancelling', id) or 0
    for _, value in ipairs({ id, body, asked, runs, stalls, priority, ran or int(started), dedupe, scores[i] or '',
      optional(call('HGET', q .. 'progress', id)), optional(result), optional(call('HGET', q .. 'errors', id)),
      optional(call('HGET', q .. 'groups', id)), optional(kin and call('HGET', q .. 'parents', id)), kin and call('ZSCORE', q .. 'awaits', id) or '', log(id) }) do page[#page + 1] = value end
  end
  if (i == #ids and i == limit) or (bytes <= 0 and i < #ids) then
    page[1], page[2] = id, scores[i] or int(from + i - 1)
    return page
  end
end
return page`,
};

/**
 * Puts in jobs of another store, in their order; a job that is here stays. ARGV per job: id, body, state, runs, stalls, priority, startedAt, dedupe key,
 * time (due or finished), of progress, result, error, group and parent each '' or '=' and the text, and how many parts it awaits or ''. O(jobs · log n).
 */
export const LOAD_JOBS = {
  name: 'portolanTransferPush',
  lua: `${BASE}${MARK}${ENTER}
local hint = false
for at = 1, #ARGV, 15 do
  local id, state, priority, dedupe, time = ARGV[at], ARGV[at + 2], tonumber(ARGV[at + 5]), ARGV[at + 7], ARGV[at + 8]
  if call('HSETNX', KEYS[1], id, ARGV[at + 1]) == 1 then
    -- A removed job of this very id may still have its hole.
    if call('SREM', q .. 'holes', id) == 1 and call('ZREM', q .. 'ranked', id) == 0 then call('LREM', q .. 'waiting', 1, id) end
    if dedupe ~= '' and call('HSETNX', q .. 'dedupe', dedupe, id) == 0 then dedupe = '' end
    local runs, stalls, started = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), ARGV[at + 6]
    local first = state == 'completed' and runs == 1 and stalls == 0 and priority == 0
    if not first then putMark(id, runs, stalls, priority, state == 'completed' and 0 or started, dedupe) end
    for i, hash in ipairs({ 'progress', 'results', 'errors', 'groups', 'parents' }) do
      local text = string.sub(ARGV[at + 8 + i], 2)
      if hash == 'results' and text ~= '' then text = '{"startedAt":' .. started .. ',"result":' .. text .. '}' end
      if text ~= '' then call('HSET', q .. hash, id, text) end
    end
    if ARGV[at + 14] ~= '' then call('ZADD', q .. 'awaits', ARGV[at + 14], id) end
    if state == 'waiting' then enter(id, priority, false) else call('ZADD', q .. state, time, id) end
    if state == 'waiting' or state == 'delayed' then hint = true end
  end
end
if hint then wake() end
return 1`,
};
