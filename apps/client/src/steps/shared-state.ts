import type { Step } from '../tour.ts';

/** System 1: shared state, and commands to every process. */
export const sharedState: Step = {
  title: 'Shared state and commands to every process',
  async play({ client, run }, say) {
    const key = `tour:${run}:greeting`;
    const { version } = await client.keys.set.mutate({ key, value: { text: 'hello' }, ttlMs: 60_000 });
    say.tell('set a key with a time to live', { key, version });
    const got = await client.keys.get.query({ key });
    say.expect('get it', got.value, { text: 'hello' });
    const again = await client.keys.set.mutate({ key, value: 'other', if: 'absent' });
    say.expect('set only when absent (NX)', again.written, false);
    const present = await client.keys.set.mutate({ key, value: 'changed', if: 'present' });
    say.expect('set only when present (XX)', present.written, true);

    await client.keys.setFields.mutate({ key: `tour:${run}:fields`, fields: { a: 1, b: [2, 3] } });
    const field = await client.keys.getField.query({ key: `tour:${run}:fields`, field: 'b' });
    say.expect('one field of several', field.value, [2, 3]);
    const listed = await client.keys.list.query({ pattern: `tour:${run}:*` });
    say.expect('list keys by pattern', listed.keys.map((one) => one.key).sort(), [`tour:${run}:fields`, key].sort());
    await client.keys.delete.mutate({ key: `tour:${run}:fields` });

    const counted = await Promise.all(
      Array.from({ length: 20 }, () => client.counters.increment.mutate({ name: `tour:${run}`, ttlMs: 60_000 })),
    );
    say.expect('20 increments at once', Math.max(...counted.map((one) => one.value)), 20);
    const calls = await client.counters.get.query({ name: 'api.calls' });
    say.tell('API calls so far', calls.value);

    const { instances } = await client.commands.instances.query();
    say.tell(
      'live processes',
      instances.map((one) => `${one.role} ${one.pid}`),
    );
    const report = await client.commands.send.mutate({ name: 'ping', timeoutMs: 5_000 });
    say.expect(
      'a ping command, answered by every process once',
      { outcomes: report.replies.map((reply) => reply.outcome), missing: report.missing, lost: report.lost },
      { outcomes: Array.from({ length: report.expected }, () => 'ok'), missing: [], lost: [] },
    );
    const setting = await client.commands.send.mutate({
      name: 'settings.set',
      args: { name: 'cacheTtlMs', value: 30_000 },
    });
    say.expect('a setting changed in every process', setting.replies.length, setting.expected);
  },
};
