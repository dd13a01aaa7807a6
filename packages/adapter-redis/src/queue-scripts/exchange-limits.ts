/**
 * takeWithin(taken, most): the claim of a queue whose groups are limited, or have jobs aside; adds to taken, and answers whether it came to its end. Reads the line in pages of
 * 100 and cuts off what it used, 20,000 places at most, holes among them. A job that steps aside costs a part of three commands. started(ids): these run now;
 * up to four commands for each of their groups. Needs GROUPS.
 */
export const TAKE_WITHIN = `
local function takeWithin(taken, most)
  local rooms, page, at, part, turns, holes = {}, {}, 1, 1, 0, call('EXISTS', q .. 'holes') == 1
  local steps, asides, all, finished = 1000, {}, {}, true

  local function roomOf(group)
    local known = rooms[group]
    if known then return known end
    known = {slots = math.huge, starts = math.huge, begun = now}
    if groupLimits and groupLimits.concurrency then
      known.slots = groupLimits.concurrency - (tonumber(call('HGET', q .. 'running', group)) or 0)
    end
    if groupLimits and groupLimits.rate then
      local begun = tonumber(call('ZSCORE', q .. 'windows', group))
      known.starts = startsLeft(groupLimits.rate, begun, tonumber(call('HGET', q .. 'used', group)) or 0)
      if begun and begun + groupLimits.rate.ms > now then known.begun = begun end
    end
    rooms[group] = known
    return known
  end
  local function take(id, group)
    taken[#taken + 1] = id
    local room = group and roomOf(group)
    if room then room.slots, room.starts = room.slots - 1, room.starts - 1 end
  end
  local function hasRoom(group)
    local room = roomOf(group)
    return room.slots > 0 and room.starts > 0
  end
  local function rest(group)
    seat(group, 'full')
    local room = roomOf(group)
    if room.starts <= 0 then call('ZADD', q .. 'resting', int(room.begun), group) else call('ZREM', q .. 'resting', group) end
  end

  local function cut()
    local used = {}
    for i = 1, at - 1 do used[i] = page[i][1] end
    if #used > 0 then
      if part == 2 then call('LPOP', q .. 'waiting', #used) else call('ZREM', q .. 'ranked', unpack(used)) end
    end
    page, at = {}, 1
  end
  -- Priorities above 0, 0 itself, then those below.
  local function turn()
    cut()
    while part <= 3 do
      if turns == 200 then
        finished = false
        return false
      end
      turns = turns + 1
      local flat = part == 1 and call('ZRANGE', q .. 'ranked', '-inf', 0, 'BYSCORE', 'LIMIT', 0, 100, 'WITHSCORES')
        or part == 2 and call('LRANGE', q .. 'waiting', 0, 99) or call('ZRANGE', q .. 'ranked', 0, 99, 'WITHSCORES')
      local ids, width = {}, part == 2 and 1 or 2
      for i = 1, #flat, width do ids[#ids + 1] = flat[i] end
      if #ids > 0 then
        local of, gone = call('HMGET', q .. 'groups', unpack(ids)), holes and call('SMISMEMBER', q .. 'holes', unpack(ids))
        for i, id in ipairs(ids) do
          local rank = part == 2 and 0 or math.floor((tonumber(flat[2 * i]) + 2199023255552) / 4398046511104)
          page[i] = {id, rank, of[i], gone and gone[i] == 1}
        end
        return true
      end
      part = part + 1
    end
    return false
  end
  local function head()
    while true do
      local one = page[at]
      if one and one[4] then
        call('SREM', q .. 'holes', one[1])
        at = at + 1
      elseif one then return one
      elseif not turn() then return nil end
    end
  end

  local ready
  while #taken < most do
    if steps == 0 then
      finished = false
      break
    end
    ready = ready or call('ZRANGE', q .. 'ready', 0, 0, 'WITHSCORES')
    local first, group = head(), ready[1]
    if group and (not first or math.floor((tonumber(ready[2]) + 2199023255552) / 4398046511104) <= first[2]) then
      if hasRoom(group) then
        local id = call('ZPOPMIN', q .. 'side:' .. group)[1]
        call('ZREM', q .. 'aside', id)
        take(id, group)
        seat(group, 'ready')
      else
        rest(group)
        steps = steps - 1
      end
      ready = nil
    elseif not first then break
    elseif not first[3] or hasRoom(first[3]) then
      at = at + 1
      take(first[1], first[3])
    else
      at = at + 1
      steps = steps - 1
      group = first[3]
      -- Written in the end: a group without room gets none while this claim is made.
      if not asides[group] then
        asides[group] = {}
        if call('ZREM', q .. 'ready', group) == 1 then ready = nil end
      end
      local n = #all / 2 + 1
      for _, list in ipairs({all, asides[group]}) do
        list[#list + 1] = {first[2], n}
        list[#list + 1] = first[1]
      end
    end
  end
  cut()
  if #all == 0 then return finished end
  local back = call('HINCRBY', q .. 'meta', 'back', #all / 2) - #all / 2
  local function add(key, list)
    for i = 1, #list, 2 do
      local rank, n = unpack(list[i])
      list[i] = int(rank * 4398046511104 + back + n)
    end
    call('ZADD', q .. key, unpack(list))
  end
  add('aside', all)
  for group, list in pairs(asides) do
    add('side:' .. group, list)
    rest(group)
  end
  return finished
end

local function started(ids)
  if limits and limits.rate then
    local begun = queueWindow()
    if begun and begun + limits.rate.ms > now then call('HINCRBY', q .. 'window', 'used', #ids)
    else call('HSET', q .. 'window', 'begun', nowText, 'used', #ids) end
    call('PEXPIRE', q .. 'window', int(limits.rate.ms))
  end
  if not grouped then return end
  local rate = groupLimits and groupLimits.rate
  local any = false
  for group, n in pairs(countGroups(ids)) do
    any = true
    call('HINCRBY', q .. 'running', group, n)
    if rate then
      local begun = tonumber(call('ZSCORE', q .. 'windows', group))
      if begun and begun + rate.ms > now then call('HINCRBY', q .. 'used', group, n) else
        call('ZADD', q .. 'windows', nowText, group)
        call('HSET', q .. 'used', group, n)
      end
    end
  end
  if any and rate then for _, key in ipairs({'windows', 'used'}) do call('PEXPIRE', q .. key, int(rate.ms)) end end
end
`;
