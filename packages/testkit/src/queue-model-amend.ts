import { MAX_LOG_LINES } from '@portolan/core';
import fc from 'fast-check';
import { command, id, session } from './queue-model-kit.ts';

export const retryAnew = fc
  .record({ id, body: fc.string({ maxLength: 3 }) })
  .map(({ id: one, body }) =>
    command(`retry ${one} with ${JSON.stringify(body)}`, (port, queue) =>
      port.amend(queue, { do: 'retry', id: one, body }),
    ),
  );

export const log = fc
  .record({
    id,
    session,
    lines: fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 }),
    times: fc.constantFrom(1, 1, 40),
  })
  .map(({ id: one, session: name, lines: drawn, times }) =>
    command(`log ${one} ${name} ${times} times ${JSON.stringify(drawn)}`, async (port, queue) => {
      const lines = Array.from({ length: times }, () => drawn)
        .flat()
        .slice(0, MAX_LOG_LINES);
      const amended = await port.amend(queue, { do: 'log', id: one, session: name, lines });
      const { logs } = await port.inspect({ of: 'logs', queue, id: one });
      return { amended, logs: logs?.map(({ line }) => line) };
    }),
  );
