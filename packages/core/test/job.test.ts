import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PortolanError } from '../src/errors.ts';
import { defineJob } from '../src/job.ts';
import { decodeEnvelope, decodeFailure, encodeEnvelope, parseJobId } from '../src/job-envelope.ts';
import { upgradeData } from '../src/job-version.ts';
import type { Backoff } from '../src/retry-policy.ts';

const base = { name: 'mail.send', input: z.string(), output: z.null() };

describe('defineJob', () => {
  it('fills in what is not said', () => {
    expect(defineJob(base)).toMatchObject({ queue: 'default', attempts: 3, timeoutMs: 60_000, priority: 0 });
  });

  it.each([
    { name: 'no spaces' },
    { queue: 'a:b' },
    { attempts: 0 },
    { attempts: 1.5 },
    { timeoutMs: 0 },
    { timeoutMs: Number.NaN },
    { priority: 1_001 },
    { priority: 0.5 },
    { backoff: { kind: 'fixed', delayMs: -1 } as const },
    { backoff: { kind: 'wat' as 'fixed', delayMs: 1 } },
    { backoff: 1_000 as unknown as Backoff },
    { backoff: { kind: 'fixed', delayMs: 1, jitter: 2 } as const },
    { version: 0 },
    { version: 1.5 },
  ])('refuses %j', (options) => {
    expect(() => defineJob({ ...base, ...options })).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});

describe('upgrading data', () => {
  it.each([
    [1, [1]],
    [3, [0, 1, 2]],
    [3, [1]],
    [3, [3]],
    [3, [1.5, 2]],
  ])('is refused for version %i with steps from %j', (version, from) => {
    const upgrade = Object.fromEntries(from.map((step) => [step, String]));
    expect(() => defineJob({ ...base, version, upgrade })).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  const steps = { 2: (data: unknown) => [data], 3: async (data: unknown) => ({ list: data }) };
  const job = defineJob({ ...base, version: 4, upgrade: steps });

  it('goes step by step to the version of the definition', async () => {
    expect(await upgradeData(job, 2, 'a')).toEqual({ list: ['a'] });
    expect(await upgradeData(job, 3, ['a'])).toEqual({ list: ['a'] });
    expect(await upgradeData(job, 4, 'as it is')).toBe('as it is');
  });

  it('names the job and the version that it cannot start from', async () => {
    const message = 'job mail.send: there is no upgrade from version 1';
    await expect(upgradeData(job, 1, 'a')).rejects.toMatchObject({ code: 'INVALID', retryable: false, message });
  });

  it('names the job and the version whose step failed', async () => {
    const broken = { ...job, upgrade: { ...steps, 3: () => Promise.reject(new PortolanError('TIMEOUT', 'no list')) } };
    const message = 'job mail.send: the upgrade from version 3 failed: no list';
    await expect(upgradeData(broken, 2, 'a')).rejects.toMatchObject({ code: 'INVALID', retryable: false, message });
  });
});

describe('the stored body', () => {
  it('is plain JSON that comes back', () => {
    const job = { name: 'mail.send', attempts: 4, createdAt: 12 };
    const body = encodeEnvelope({ ...job, version: 1 }, '{"to":"a\\"b"}');
    expect(JSON.parse(body)).toEqual({ ...job, data: { to: 'a"b' } });
    expect(decodeEnvelope(body, 'job x')).toEqual({ ...job, version: 1, data: { to: 'a"b' } });
    const later = encodeEnvelope({ ...job, version: 2 }, '7');
    expect(JSON.parse(later)).toEqual({ ...job, version: 2, data: 7 });
    expect(decodeEnvelope(later, 'job x')).toEqual(JSON.parse(later));
    const usual = encodeEnvelope({ ...job, attempts: 3, version: 1 }, '7');
    expect(JSON.parse(usual)).toEqual({ name: 'mail.send', createdAt: 12, data: 7 });
    expect(decodeEnvelope(usual, 'job x')).toEqual({ ...job, attempts: 3, version: 1, data: 7 });
  });

  it.each([
    '',
    'null',
    '7',
    '{}',
    '{"name":1,"attempts":1,"createdAt":1}',
    '{"name":"a","attempts":1,"createdAt":1,"version":0}',
    '{"name":"a","attempts":1,"createdAt":1,"version":"2"}',
  ])('is refused when it is %j', (body) => {
    expect(() => decodeEnvelope(body, 'job x')).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('keeps an error readable whoever wrote it', () => {
    expect(decodeFailure('{"code":"NOVEL"}')).toEqual({ code: 'INTERNAL', message: 'the job failed' });
  });
});

describe('a job id', () => {
  it('tells its queue', () => {
    expect(parseJobId('mail:01:x')).toEqual({ queue: 'mail', local: '01:x' });
  });

  it.each(['', 'mail', 'mail:', ':1', 'a b:1', `mail:${'x'.repeat(600)}`])('is refused when it is %j', (id) => {
    expect(() => parseJobId(id)).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});
