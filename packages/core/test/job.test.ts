import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '../src/job.ts';
import { decodeEnvelope, decodeFailure, encodeEnvelope, parseJobId } from '../src/job-envelope.ts';

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
    { backoff: { kind: 'fixed', delayMs: 1, jitter: 2 } as const },
  ])('refuses %j', (options) => {
    expect(() => defineJob({ ...base, ...options })).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });
});

describe('the stored body', () => {
  it('is plain JSON that comes back', () => {
    const body = encodeEnvelope('mail.send', 3, 12, '{"to":"a\\"b"}');
    expect(JSON.parse(body)).toEqual({ name: 'mail.send', attempts: 3, createdAt: 12, data: { to: 'a"b' } });
    expect(decodeEnvelope(body, 'job x')).toEqual(JSON.parse(body));
  });

  it.each(['', 'null', '7', '{}', '{"name":1,"attempts":1,"createdAt":1}'])('is refused when it is %j', (body) => {
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
