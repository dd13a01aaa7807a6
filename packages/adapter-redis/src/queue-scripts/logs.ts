import { MAX_LOG_LINES } from '@portolan/core';
import { BASE } from './parts.ts';

/** Adds lines to the log of a leased job. ARGV: id, session, lines. Answers as `Amended`. Six commands. */
export const LOG = {
  name: 'portolanQueueLog',
  lua: `${BASE}
local id = ARGV[1]
if call('HEXISTS', KEYS[1], id) == 0 then return 'missing' end
if call('HEXISTS', q .. 'session:' .. ARGV[2], id) == 0 then return 'refused' end
local lines = {}
for i = 3, #ARGV do lines[i - 2] = int(now) .. ' ' .. ARGV[i] end
if #lines > 0 then
  call('RPUSH', q .. 'log:' .. id, unpack(lines))
  call('LTRIM', q .. 'log:' .. id, -${MAX_LOG_LINES}, -1)
  call('SADD', q .. 'logged', id)
end
return 'done'`,
};

/** Answers the lines of a job's log, each behind its ms and a blank; nothing for an unknown job. ARGV: id. */
export const LOGS = {
  name: 'portolanQueueLogs',
  lua: `${BASE}
if call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return false end
return call('LRANGE', q .. 'log:' .. ARGV[1], 0, -1)`,
};

/**
 * Puts in a log of another store, lines with their times; a log that is here stays. ARGV: id, lines as they are kept. Where the job is not known it is dropped.
 */
export const LOAD_LOG = {
  name: 'portolanTransferLog',
  lua: `${BASE}
local key = q .. 'log:' .. ARGV[1]
if call('HEXISTS', KEYS[1], ARGV[1]) == 0 or call('EXISTS', key) == 1 then return 0 end
call('RPUSH', key, unpack(ARGV, 2))
call('LTRIM', key, -${MAX_LOG_LINES}, -1)
return call('SADD', q .. 'logged', ARGV[1])`,
};
