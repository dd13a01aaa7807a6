/**
 * The list of queues: a ZSET of names by the ms at which they were listed last, in a slot of its own. KEYS[1] is the list. A queue's own slot holds
 * the same time as it knows it (`listed`, see parts.ts): without it, or once it is a minute old, a push stores nothing and has its queue listed first.
 *
 * The two slots cannot change in one step. The order makes up for it: a queue is listed before anything of it is stored, and taken off only after its
 * own slot has forgotten that it is listed, and only if it was not listed anew meanwhile (UNLIST looks at the time again). What is left is a push that
 * takes longer than `idleMs` from its listing to its storing, which the deadline of a call rules out at the usual idle time: its jobs would be stored
 * unlisted, until a push that comes a minute or more later lists the queue again. The number of queues is exact: LIST decides it in one step.
 */
const HEAD = `
local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
`;

/** Lists a queue, or notes that it is in use. ARGV: name, most. Answers 1, or 0 for one too many. Three commands. */
export const LIST = {
  name: 'portolanQueueList',
  lua: `${HEAD}
if not call('ZSCORE', KEYS[1], ARGV[1]) and call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
call('ZADD', KEYS[1], string.format('%.0f', now), ARGV[1])
return 1`,
};

/** Takes a queue off the list unless it was listed within the idle time. ARGV: name, idleMs. Two or three commands. */
export const UNLIST = {
  name: 'portolanQueueUnlist',
  lua: `${HEAD}
local at = call('ZSCORE', KEYS[1], ARGV[1])
if at and tonumber(at) <= now - tonumber(ARGV[2]) then call('ZREM', KEYS[1], ARGV[1]) end`,
};
