import { createHash, timingSafeEqual } from 'node:crypto';
import type { Caller } from '@portolan/api';
import { PortolanError } from '@portolan/core';
import type { ApiToken } from '@portolan/platform';

const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Finds who calls from the Authorization header. Comparing digests takes the same time for every wrong secret. */
export function createAuthenticator(tokens: readonly ApiToken[]): (headers: Headers) => Caller | null {
  if (tokens.length === 0) {
    const everybody: Caller = { name: 'local', scopes: ['admin'] };
    return () => everybody;
  }
  const known = tokens.map(({ name, scopes, secret }) => ({ caller: { name, scopes }, digest: digest(secret) }));
  return (headers) => {
    const secret = /^Bearer (.+)$/i.exec(headers.get('authorization') ?? '')?.[1];
    if (!secret) return null;
    const given = digest(secret);
    return known.find((one) => timingSafeEqual(one.digest, given))?.caller ?? null;
  };
}

/**
 * Without tokens only this machine may call, but a web page open in its browser is on this machine too. Such a page
 * either sends an Origin that is not ours, or reached us by a name of its own (DNS rebinding): both are refused.
 */
export function refuseForeignPages(request: Request): void {
  const host = request.headers.get('host') ?? '';
  const name = host.replace(/:\d+$/, '');
  if (name !== 'localhost' && name !== '[::1]' && !/^127(\.\d{1,3}){3}$/.test(name)) {
    throw new PortolanError('FORBIDDEN', 'without API_TOKENS the server answers to loopback names only');
  }
  const origin = request.headers.get('origin');
  if (origin !== null && origin !== `http://${host}`) {
    throw new PortolanError('FORBIDDEN', 'without API_TOKENS the server answers no pages of other origins');
  }
}
