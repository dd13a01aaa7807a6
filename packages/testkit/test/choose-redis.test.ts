import { expect, it, vi } from 'vitest';
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

it('where Docker answers but cannot start the image, redis-server stands in, if there is one', async () => {
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const binary = { url: 'redis://private', source: 'binary' as const, close: async () => undefined };
  const start = { container: () => Promise.reject(new Error('no such image')), binary: async () => binary };
  expect(await startTestRedis({}, probes({ docker: true, binary: true }), start)).toBe(binary);
  expect(warned).toHaveBeenCalledWith(expect.stringContaining('no such image'));
  await expect(startTestRedis({}, probes({ docker: true }), start)).rejects.toThrow('no such image');
  warned.mockRestore();
});
