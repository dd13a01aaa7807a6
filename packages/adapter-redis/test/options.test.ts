import { PortolanError } from '@portolan/core';
import { describe, expect, it } from 'vitest';
import { parseRedisUrl } from '../src/options.ts';

describe('Redis URLs', () => {
  it('name host, port, database, login and TLS', () => {
    expect(parseRedisUrl('redis://example.org')).toEqual({ host: 'example.org', port: 6379, db: 0 });
    expect(parseRedisUrl('redis://:p%2Fw@[::1]:7000/12')).toEqual({ host: '::1', port: 7000, db: 12, password: 'p/w' });
    expect(parseRedisUrl('rediss://me:pw@h')).toMatchObject({ username: 'me', password: 'pw', tls: {} });
  });

  it.each([
    ['redis://', 'no host'],
    ['redis://secret@h/zero', 'database number'],
    ['redis://:secret@h/0#x', 'database number'],
    ['redis://:secret@h:99999', 'not a URL'],
    ['redis://:secret%zz@h', 'password is not percent-encoded'],
    ['redis://:secret@h?tls=1', 'only parameter'],
    ['redis://:secret@h?tlsCa=/ca.pem', 'tlsCa needs TLS'],
    ['rediss://:secret@h?tlsCa=/no/such/ca.pem', 'cannot read /no/such/ca.pem (ENOENT)'],
  ])('%s is refused: %s', (url, why) => {
    const refusal = (() => {
      try {
        return parseRedisUrl(url);
      } catch (error) {
        return error;
      }
    })();
    if (!PortolanError.is(refusal, 'INVALID')) throw refusal;
    expect(refusal.message).toContain(why);
    expect(refusal.message).not.toContain('secret');
  });
});
