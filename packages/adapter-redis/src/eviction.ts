import type { RedisContext } from './connection.ts';

/**
 * Warns when Redis may evict what must not be lost (jobs, documents, values without TTL). A server that does not tell its
 * configuration (managed ones often do not) is not asked again.
 */
export async function warnOfEviction(context: RedisContext): Promise<void> {
  try {
    const answer = await context.run((client) => client.config('GET', 'maxmemory-policy'));
    const policy = Array.isArray(answer) ? String(answer[1]) : '';
    if (policy && policy !== 'noeviction') {
      context.runtime.logger.warn(
        { policy },
        `Redis may evict data that must not be lost: maxmemory-policy is ${policy}, set it to noeviction`,
      );
    }
  } catch {
    context.runtime.logger.debug({}, 'Redis does not tell its maxmemory-policy');
  }
}
