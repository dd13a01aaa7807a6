/** Groups: their lines agree with `aside`, their seats with their lines and room, and `running` with what runs. Needs RECONCILE_STATES. */
export const RECONCILE_GROUPS = `
local function walkAside(at)
  local next, ids, all = page('ZSCAN', 'aside', at)
  keepCounters(all)
  for _, i in ipairs(keepOwn('aside', ids, leaveSide)) do
    local id, group = ids[i], call('HGET', q .. 'groups', ids[i])
    if not group then
      local _, _, priority = mark(call('HGET', q .. 'marks', id))
      call('ZREM', q .. 'aside', id)
      enter(id, priority, false)
      mend('jobs')
    else
      local lost = tonumber(call('ZSCORE', q .. 'side:' .. group, id) or nil) ~= tonumber(all[i])
      if lost then call('ZADD', q .. 'side:' .. group, all[i], id) end
      if lost or not (call('ZSCORE', q .. 'ready', group) or call('ZSCORE', q .. 'full', group)) then
        seat(group, 'ready')
        mend('jobs')
      end
    end
  end
  return next
end

-- What stands in a group's line and not in 'aside'; such there are only where the sums differ. at: group and place behind which to go on. O(groups), and of each its size.
local function walkSides(at)
  local names, sum = {}, 0
  for _, set in ipairs({'ready', 'full'}) do
    for _, group in ipairs(call('ZRANGE', q .. set, 0, -1)) do
      names[#names + 1] = group
      sum = sum + call('ZCARD', q .. 'side:' .. group)
    end
  end
  looked = looked + #names
  if sum == call('ZCARD', q .. 'aside') then return end
  table.sort(names)
  local from, after = string.match(at, '^(%d+):(.*)$')
  from, after = tonumber(from or 0), after or ''
  for _, group in ipairs(names) do
    if group > after or (group == after and at ~= '0') then
      if group ~= after then from = 0 end
      local ids, kept = call('ZRANGE', q .. 'side:' .. group, from, from + 499), 0
      if #ids > 0 then
        for i, score in ipairs(call('ZMSCORE', q .. 'aside', unpack(ids))) do
          if score and call('HGET', q .. 'groups', ids[i]) == group then kept = kept + 1 else
            call('ZREM', q .. 'side:' .. group, ids[i])
            mend('strays')
          end
        end
        if kept < #ids then seat(group, call('ZSCORE', q .. 'full', group) and 'full' or 'ready') end
        looked = looked + #ids
        return int(from + (dry and #ids or kept)) .. ':' .. group
      end
    end
  end
end

-- Sits where it should, by the first of its line.
local function sits(group, score, set)
  local first = call('ZRANGE', q .. 'side:' .. group, 0, 0, 'WITHSCORES')
  if first[2] and tonumber(first[2]) == tonumber(score) and not (set == 'ready' and call('ZSCORE', q .. 'full', group)) then return end
  seat(group, set)
  mend('sums')
end
local function walkReady(at)
  local next, groups, scores = page('ZSCAN', 'ready', at, 200)
  for i, group in ipairs(groups) do sits(group, scores[i], 'ready') end
  return next
end
-- One with room, which no window that ends will tell, is ready.
local function walkFull(at)
  local next, groups, scores = page('ZSCAN', 'full', at, 100)
  for i, group in ipairs(groups) do
    sits(group, scores[i], 'full')
    local rate, rests = groupLimits and groupLimits.rate, call('ZSCORE', q .. 'resting', group)
    local slots = groupLimits and groupLimits.concurrency and groupLimits.concurrency - (tonumber(call('HGET', q .. 'running', group)) or 0) or math.huge
    if slots > 0 and not (rate and rests) and call('ZSCORE', q .. 'full', group) then
      seat(group, 'ready')
      mend('jobs')
    end
  end
  return next
end
local function isNotFull(group) return not call('ZSCORE', q .. 'full', group) end
local walkResting = walk('ZSCAN', 'resting', 'strays', isNotFull, function(group) call('ZREM', q .. 'resting', group) end)

-- All at once: O(active).
local function countRunning()
  local all, counts, known = leases(), {}, call('HGETALL', q .. 'running')
  looked = looked + #all + #known / 2
  for from = 1, #all, 500 do
    local ids = {}
    for i = from, math.min(from + 499, #all) do ids[#ids + 1] = all[i][1] end
    for group, n in pairs(countGroups(ids)) do counts[group] = (counts[group] or 0) + n end
  end
  for i = 1, #known, 2 do
    if not counts[known[i]] then
      call('HDEL', q .. 'running', known[i])
      mend('sums')
    elseif counts[known[i]] == tonumber(known[i + 1]) then counts[known[i]] = nil end
  end
  for group, n in pairs(counts) do
    call('HSET', q .. 'running', group, n)
    mend('sums')
  end
end
`;
