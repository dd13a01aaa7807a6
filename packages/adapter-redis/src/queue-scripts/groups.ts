/**
 * Limits of a queue and of its groups: what the contract of `QueueLimits` says, in Lua. Uses now, and sets limits and grouped, which are nothing and false where
 * `rare` says that there is neither.
 *
 *   limits   STRING, JSON; there while the queue has limits
 *   window   HASH of the queue's rate: when its window began, and the starts in it; ends by itself, as do those of the groups
 *   groups   HASH id -> group, of the jobs that are in one
 *   running  HASH group -> how many of it are active
 *   windows  ZSET group -> ms when its window began, and used, HASH group -> starts in it
 *   side:G   ZSET of the ids of group G that stepped aside, with scores as in `ranked`; aside, ZSET of those of all groups
 *   ready    ZSET of the groups with jobs aside that may have room, full, ZSET of the others: by the score of their first job aside
 *   resting  ZSET of full groups that get room when their window ends -> ms when it began
 */
export const LIMITS = `
local limits = rare and call('GET', q .. 'limits') or nil
limits = limits and cjson.decode(limits) or nil
local groupLimits = limits and limits.group or nil
local grouped = rare and call('EXISTS', q .. 'groups') == 1
`;

export const GROUPS = `
-- A group with jobs aside goes to 'ready' or 'full', by its first; one without leaves both.
local function seat(group, set)
  local first = call('ZRANGE', q .. 'side:' .. group, 0, 0, 'WITHSCORES')
  call('ZREM', q .. (set == 'ready' and 'full' or 'ready'), group)
  if set == 'ready' or not first[2] then call('ZREM', q .. 'resting', group) end
  if first[2] then call('ZADD', q .. set, first[2], group) else call('ZREM', q .. set, group) end
end
-- One of those that went to the front of the queue: to the front of its group's line while groups are limited or others of it are aside.
local function enterFront(id, priority)
  local group = grouped and call('HGET', q .. 'groups', id)
  if not group or not (groupLimits or call('EXISTS', q .. 'side:' .. group) == 1) then return enter(id, priority, true) end
  local score = int(-priority * 4398046511104 + call('HINCRBY', q .. 'meta', 'front', -1))
  call('ZADD', q .. 'side:' .. group, score, id)
  call('ZADD', q .. 'aside', score, id)
  seat(group, 'ready')
end
-- False for a job that did not stand aside.
local function leaveAside(id)
  if not grouped or call('ZREM', q .. 'aside', id) == 0 then return false end
  local group = call('HGET', q .. 'groups', id)
  call('ZREM', q .. 'side:' .. group, id)
  seat(group, call('ZSCORE', q .. 'ready', group) and 'ready' or 'full')
  return true
end
local function countGroups(ids)
  local counts = {}
  for _, group in ipairs(call('HMGET', q .. 'groups', unpack(ids))) do
    if group then counts[group] = (counts[group] or 0) + 1 end
  end
  return counts
end
-- These do not run any more. Three commands for each of their groups.
local function groupsEnded(ids)
  for group, n in pairs(countGroups(ids)) do
    if call('HINCRBY', q .. 'running', group, -n) <= 0 then call('HDEL', q .. 'running', group) end
    if call('ZSCORE', q .. 'full', group) then seat(group, 'ready') end
  end
end
-- Windows that are over give room; of 18,000 groups at most.
local function endWindows()
  if not groupLimits or not groupLimits.rate then return end
  local before = int(now - groupLimits.rate.ms)
  for _ = 1, 20 do
    local over = call('ZRANGE', q .. 'resting', '-inf', before, 'BYSCORE', 'LIMIT', 0, 900)
    if #over == 0 then break end
    local back = {}
    for i, score in ipairs(call('ZMSCORE', q .. 'full', unpack(over))) do
      if score then
        back[#back + 1] = score
        back[#back + 1] = over[i]
      end
    end
    for _, set in ipairs({'full', 'resting'}) do call('ZREM', q .. set, unpack(over)) end
    if #back > 0 then call('ZADD', q .. 'ready', unpack(back)) end
  end
  local over = call('ZRANGE', q .. 'windows', '-inf', before, 'BYSCORE', 'LIMIT', 0, 1000)
  if #over > 0 then
    call('ZREM', q .. 'windows', unpack(over))
    call('HDEL', q .. 'used', unpack(over))
  end
end

local function startsLeft(rate, begun, used)
  if not begun or begun + rate.ms <= now then return rate.count end
  return math.max(rate.count - used, 0)
end
local function queueWindow()
  local window = call('HMGET', q .. 'window', 'begun', 'used')
  return tonumber(window[1]), tonumber(window[2])
end
-- How many more jobs of the queue may start. Without its concurrency O(1), else one command for each session.
local function queueRoom()
  if not limits then return math.huge end
  local slots = limits.concurrency and math.max(limits.concurrency - activeCount(), 0) or math.huge
  return math.min(slots, limits.rate and startsLeft(limits.rate, queueWindow()) or math.huge)
end
-- A job that no limit of a group holds back, as far as is known.
local function hasNext()
  if call('LLEN', q .. 'waiting') + call('ZCARD', q .. 'ranked') > call('SCARD', q .. 'holes') then return true end
  return grouped and call('EXISTS', q .. 'ready') == 1
end
-- ms until the first window ends for which jobs wait; -1 for none.
local function windowsEndIn()
  local ends = {}
  local rests = groupLimits and groupLimits.rate and call('ZRANGE', q .. 'resting', 0, 0, 'WITHSCORES') or {}
  if rests[2] then ends[1] = tonumber(rests[2]) + groupLimits.rate.ms end
  if limits and limits.rate and call('EXISTS', q .. 'paused') == 0 then
    local begun, used = queueWindow()
    if startsLeft(limits.rate, begun, used) == 0 and hasNext() then ends[#ends + 1] = begun + limits.rate.ms end
  end
  return #ends > 0 and math.max(math.min(unpack(ends)) - now, 0) or -1
end
`;

/**
 * setLimits(text): '' lifts them. A number of commands that is fixed, one of them O(groups with jobs aside). Needs GROUPS.
 */
export const SET_LIMITS = `
local function setLimits(text)
  limits = text ~= '' and cjson.decode(text) or nil
  groupLimits = limits and limits.group or nil
  if limits then call('SET', q .. 'limits', text) else call('DEL', q .. 'limits') end
  local function keep(rate, ...)
    for _, key in ipairs({...}) do
      if rate then call('PEXPIRE', q .. key, int(rate.ms)) else call('DEL', q .. key) end
    end
  end
  keep(limits and limits.rate, 'window')
  keep(groupLimits and groupLimits.rate, 'windows', 'used')
  if call('EXISTS', q .. 'full') == 1 then
    call('ZUNIONSTORE', q .. 'ready', 2, q .. 'ready', q .. 'full', 'AGGREGATE', 'MIN')
    call('DEL', q .. 'full', q .. 'resting')
  end
end
`;
