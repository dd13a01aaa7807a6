import { expect, it } from 'vitest';
import { chooseRedis, NO_REDIS, type RedisProbes, startTestRedis } from '../src/choose-redis.ts';

function probes(found: { url?: string; docker?: boolean; binary?: boolean }): RedisProbes & { asked: string[] } {
  const asked: string[] = [];
  const answer =
    (name: string, value = false) =>
    async () => {
      asked.push(name);
      return value;
    };
  return {
    asked,
    url: found.url,
    dockerAnswers: answer('docker', found.docker),
    binaryOnPath: answer('binary', found.binary),
  };
}

it.each([
  [{ url: 'redis://h', docker: true, binary: true }, { from: 'url', url: 'redis://h' }, []],
  [{ url: '', docker: true, binary: true }, { from: 'docker' }, ['docker']],
  [{ docker: true, binary: true }, { from: 'docker' }, ['docker']],
  [{ binary: true }, { from: 'binary' }, ['docker', 'binary']],
  [{}, { from: 'nowhere' }, ['docker', 'binary']],
])('of %j it chooses %j, asking %j', async (found, source, asked) => {
  const machine = probes(found);
  expect(await chooseRedis(machine)).toEqual(source);
  expect(machine.asked).toEqual(asked);
});

it('a machine without Redis: nothing to start, and under CI an error that says what to install', async () => {
  expect(await startTestRedis({}, probes({}))).toBeNull();
  expect(await startTestRedis({ CI: 'false' }, probes({}))).toBeNull();
  await expect(startTestRedis({ CI: 'true' }, probes({}))).rejects.toThrow(NO_REDIS);
});

it('a named URL is used as it is', async () => {
  expect(await startTestRedis({ CI: 'true' }, probes({ url: 'redis://h:1/2' }))).toMatchObject({
    url: 'redis://h:1/2',
    source: 'url',
  });
});
