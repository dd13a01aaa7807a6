import { PortolanError } from '@portolan/core';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/index.ts';

const refusal = (env: Record<string, string>): string => {
  try {
    readConfig(env);
  } catch (error) {
    expect(PortolanError.is(error, 'INVALID')).toBe(true);
    return (error as Error).message;
  }
  throw new Error('was not refused');
};

describe('configuration', () => {
  it('has a default for everything', () => {
    expect(readConfig({})).toEqual({
      backendUrl: 'sqlite:.data/portolan.db',
      backendVariable: 'BACKEND_URL',
      namespace: 'portolan',
      port: 8080,
      host: '127.0.0.1',
      tokens: [],
      universitiesUrl: 'http://universities.hipolabs.com/search',
      fetchAllow: [],
      cacheTtlMs: 30_000,
      workerConcurrency: 50,
      workerMaxBlockMs: 60_000,
      workerEvents: 'final',
      payloadKeys: undefined,
      logLevel: 'info',
    });
  });

  it('takes REDIS_URL where BACKEND_URL is unset or empty', () => {
    expect(readConfig({ REDIS_URL: 'redis://a' }).backendUrl).toBe('redis://a');
    expect(readConfig({ REDIS_URL: 'redis://a', BACKEND_URL: 'memory:' }).backendUrl).toBe('memory:');
    expect(readConfig({ REDIS_URL: 'redis://a', BACKEND_URL: '' }).backendUrl).toBe('redis://a');
    expect(readConfig({ REDIS_URL: 'nonsense', BACKEND_URL: 'memory:' }).backendUrl).toBe('memory:');
  });

  it('reads tokens, lists and numbers', () => {
    const config = readConfig({
      API_TOKENS: 'ci:0123456789:read+write, ops:abcdefghij:admin',
      FETCH_ALLOW: '127.0.0.1:9000, [::1]:9001,localhost:80',
      PORT: '0',
      HOST: '0.0.0.0',
    });
    expect(config.tokens).toEqual([
      { name: 'ci', secret: '0123456789', scopes: ['read', 'write'] },
      { name: 'ops', secret: 'abcdefghij', scopes: ['admin'] },
    ]);
    expect(config.fetchAllow).toEqual(['127.0.0.1:9000', '[::1]:9001', 'localhost:80']);
    expect(config.port).toBe(0);
  });

  it('reads what is told of jobs', () => {
    expect(readConfig({ WORKER_EVENTS: 'all' }).workerEvents).toBe('all');
    expect(readConfig({ WORKER_EVENTS: 'off' }).workerEvents).toBe('off');
    expect(refusal({ WORKER_EVENTS: 'some' })).toBe(
      'WORKER_EVENTS: "some" is not one of off, final, all; an example is WORKER_EVENTS=final',
    );
  });

  it('reads payload keys, the one that encrypts first', () => {
    const keys = [Buffer.alloc(32, 251), Buffer.alloc(32, 7)];
    const [url, plain] = [keys[0]?.toString('base64url'), keys[1]?.toString('base64')];
    expect(readConfig({ PAYLOAD_KEYS: `2026-11:${url}, k1:${plain}` }).payloadKeys).toEqual([
      { id: '2026-11', key: keys[0] },
      { id: 'k1', key: keys[1] },
    ]);
  });

  it.each([
    ['PAYLOAD_KEYS', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='],
    ['PAYLOAD_KEYS', ','],
    ['PAYLOAD_KEYS', 'k1:tooShort'],
    ['PAYLOAD_KEYS', `k1:${'A'.repeat(43)}=,k1:${'B'.repeat(43)}=`],
    ['PORT', 'eighty'],
    ['PORT', '70000'],
    ['PORT', '80.5'],
    ['HOST', 'not a host'],
    ['NAMESPACE', 'a:b'],
    ['NAMESPACE', '{tag}'],
    ['BACKEND_URL', 'localhost'],
    ['REDIS_URL', 'localhost'],
    ['UNIVERSITIES_URL', 'ftp://x'],
    ['FETCH_ALLOW', '127.0.0.1'],
    ['CACHE_TTL_MS', '0'],
    ['WORKER_CONCURRENCY', '-1'],
    ['LOG_LEVEL', 'loud'],
    ['API_TOKENS', 'ci:short:read'],
    ['API_TOKENS', 'ci:0123456789:everything'],
  ])('refuses %s=%s in one line with an example', (name, value) => {
    const message = refusal({ [name]: value });
    expect(message.startsWith(`${name}: `)).toBe(true);
    expect(message).toContain(`an example is ${name}=`);
    expect(message).not.toContain('\n');
  });

  it('never repeats a secret', () => {
    expect(refusal({ API_TOKENS: 'ci:my-very-secret' })).not.toContain('secret,');
    expect(refusal({ API_TOKENS: 'ci:hunter2hunter2:root' })).not.toContain('hunter2');
    expect(refusal({ BACKEND_URL: '//:hunter2@host' })).not.toContain('hunter2');
    expect(refusal({ REDIS_URL: '//:hunter2@host' })).not.toContain('hunter2');
    expect(refusal({ PAYLOAD_KEYS: 'k1:hunter2' })).not.toContain('hunter2');
  });

  it('listens to the outside only with tokens', () => {
    expect(refusal({ HOST: '0.0.0.0' })).toContain('API_TOKENS');
    expect(readConfig({ HOST: 'localhost' }).host).toBe('localhost');
    expect(readConfig({ HOST: '::1' }).host).toBe('::1');
    expect(readConfig({ HOST: '127.0.0.2' }).host).toBe('127.0.0.2');
  });
});
