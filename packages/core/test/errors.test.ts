import { describe, expect, it, vi } from 'vitest';
import { ERROR_CODES, invalid, PortolanError } from '../src/errors.ts';

describe('PortolanError', () => {
  it('is retryable by its code, unless told', () => {
    const retryable = ERROR_CODES.filter((code) => new PortolanError(code, 'x').retryable);
    expect(retryable).toEqual(['UNAVAILABLE', 'TIMEOUT', 'RATE_LIMITED']);
    expect(new PortolanError('UNAVAILABLE', 'x', { retryable: false }).retryable).toBe(false);
    expect(new PortolanError('CONFLICT', 'x', { retryable: true }).retryable).toBe(true);
  });

  it('carries cause, issues and the time to retry, and is an Error', () => {
    const cause = new Error('below');
    const issues = [{ path: ['a'], message: 'no' }];
    const error = new PortolanError('RATE_LIMITED', 'slow down', { cause, issues, retryAfterMs: 5 });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'PortolanError', message: 'slow down', cause, issues, retryAfterMs: 5 });
    expect('cause' in new PortolanError('INTERNAL', 'x')).toBe(false);
  });

  it('is told by its marker, also from another copy of the package', async () => {
    vi.resetModules();
    const copy = await import('../src/errors.ts');
    const foreign = new copy.PortolanError('CONFLICT', 'x');
    expect(foreign).not.toBeInstanceOf(PortolanError);
    expect(PortolanError.is(foreign)).toBe(true);
    expect(PortolanError.is(foreign, 'CONFLICT')).toBe(true);
    expect(PortolanError.is(foreign, 'INVALID')).toBe(false);
    for (const other of [null, undefined, 'x', new Error('x'), { code: 'CONFLICT' }]) {
      expect(PortolanError.is(other)).toBe(false);
    }
  });

  it('from keeps its own kind and wraps the rest', () => {
    const own = invalid('bad', [{ path: [], message: 'm' }]);
    expect(PortolanError.from(own)).toBe(own);
    expect(own).toMatchObject({ code: 'INVALID', retryable: false, issues: [{ message: 'm' }] });
    const wrapped = PortolanError.from('thrown text');
    expect(wrapped).toMatchObject({ code: 'INTERNAL', message: 'internal error', cause: 'thrown text' });
  });
});
