import { BASE, TO_CANCEL } from './parts.ts';

/** Renews all leases of a session with one ZADD. ARGV: session, leaseMs. Answers alive (0 or 1), {ids to cancel}. */
export const BEAT = {
  name: 'portolanQueueBeat',
  lua: `${BASE}${TO_CANCEL}
if not call('ZSCORE', q .. 'sessions', ARGV[1]) then return {0, {}} end
call('ZADD', q .. 'sessions', int(now + tonumber(ARGV[2])), ARGV[1])
return {1, toCancel(q .. 'session:' .. ARGV[1])}`,
};
