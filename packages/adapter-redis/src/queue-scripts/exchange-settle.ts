/**
 * The exchange's first step. Uses ids and at (settled jobs and where they stand in ARGV), found (when each was taken, from the second on; not for one that is
 * not leased); sets rare, adds to refused.
 */
export const SETTLE = `
local function settle()
  local marks = rare and call('EXISTS', q .. 'marks') == 1 and call('HMGET', q .. 'marks', unpack(ids))
  local asked = rare and call('EXISTS', q .. 'cancelling') == 1
  local kin = rare and call('EXISTS', q .. 'parents') == 1
  local ended, finished, results, errors, n = {}, {}, {}, {}, 0
  for i, id in ipairs(ids) do
    local outcome, text, started = ARGV[at[i] + 1], ARGV[at[i] + 3], found[i + 1]
    local marked = marks and marks[i]
    if not started then
      refused[#refused + 1] = id
    elseif outcome == 'completed' then
      ended[#ended + 1] = id
      finished[n + 1], finished[n + 2] = nowText, id
      results[n + 1], results[n + 2] = id, '{"startedAt":' .. started .. ',"result":' .. text .. '}'
      n = n + 2
      if kin then owe(id, 'completed', text) end
      if marked then
        local runs, stalls, priority, _, key = mark(marked)
        putMark(id, runs + 1, stalls, priority, started, '')
        freeKey(id, key)
      end
    else
      if not rare then needTools() end
      rare = true
      ended[#ended + 1] = id
      local runs, stalls, priority, _, key = mark(marked)
      local delay, failed = tonumber(ARGV[at[i] + 2]), outcome == 'released' and 0 or 1
      if failed == 1 then
        errors[#errors + 1] = id
        errors[#errors + 1] = text
      end
      if outcome == 'retry' or outcome == 'released' then
        if asked and call('SISMEMBER', q .. 'cancelling', id) == 1 then
          outcome = 'cancelled'
        else
          putMark(id, runs + failed, stalls, priority, started, key)
          if delay > 0 then call('ZADD', q .. 'delayed', int(now + delay), id)
          elseif outcome == 'released' then enterFront(id, priority)
          else enter(id, priority, false) end
        end
      end
      if outcome == 'failed' or outcome == 'cancelled' then
        finish(id, outcome, started, runs + failed, stalls, priority, key, failed == 1 and text)
      end
    end
  end
  if #ended == 0 then return end
  call('HDEL', session, unpack(ended))
  if grouped then groupsEnded(ended) end
  if asked then call('SREM', q .. 'cancelling', unpack(ended)) end
  if n > 0 then
    call('ZADD', q .. 'completed', unpack(finished))
    call('HSET', q .. 'results', unpack(results))
    trim('completed', tonumber(ARGV[5]))
  end
  if #errors > 0 then
    call('HSET', q .. 'errors', unpack(errors))
    trim('failed', tonumber(ARGV[6]))
    trim('cancelled', tonumber(ARGV[6]))
  end
end
if #ids > 0 then settle() end
`;
