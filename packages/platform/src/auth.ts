import { createHash, timingSafeEqual } from 'node:crypto';
import { PortolanError } from '@portolan/core';
import type { ApiToken } from './config.ts';

const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** Who calls, by the secret in the Authorization header; null for nobody. Comparing digests takes the same time for every wrong secret. */
export function createAuthenticator(
  tokens: readonly ApiToken[],
): (authorization: string | null | undefined) => Omit<ApiToken, 'secret'> | null {
  if (tokens.length === 0) {
    const everybody = { name: 'local', scopes: ['admin'] } as const;
    return () => everybody;
  }
  const known = tokens.map(({ name, scopes, secret }) => ({ caller: { name, scopes }, digest: digest(secret) }));
  return (authorization) => {
    const secret = /^Bearer (.+)$/i.exec(authorization ?? '')?.[1];
    if (!secret) return null;
    const given = digest(secret);
    return known.find((one) => timingSafeEqual(one.digest, given))?.caller ?? null;
  };
}

/**
 * Without tokens only this machine may call, but a web page open in its browser is on this machine too. Such a page
 * either sends an Origin that is not ours, or reached us by a name of its own (DNS rebinding): both are refused.
 */
export function refuseForeignPages(host: string | null | undefined, origin: string | null | undefined): void {
  const name = (host ?? '').replace(/:\d+$/, '');
  if (name !== 'localhost' && name !== '[::1]' && !/^127(\.\d{1,3}){3}$/.test(name)) {
    throw new PortolanError('FORBIDDEN', 'without API_TOKENS the server answers to loopback names only');
  }
  if (typeof origin === 'string' && origin !== `http://${host}`) {
    throw new PortolanError('FORBIDDEN', 'without API_TOKENS the server answers no pages of other origins');
  }
}
