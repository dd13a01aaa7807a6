import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { answer, defineCommand } from '../src/command.ts';
import { decodeEnvelope, decodeInstance, decodeReply } from '../src/command-wire.ts';
import { createCommandBus } from '../src/commands.ts';
import type { BroadcastPort } from '../src/ports/broadcast.ts';
import { createRuntime } from '../src/runtime.ts';

const ping = defineCommand({ name: 'ping', input: z.unknown(), output: z.string() });
const INVALID = expect.objectContaining({ code: 'INVALID' });

function bus(more: { ttlMs?: number; beatMs?: number; role?: string; handlers?: number }) {
  return createCommandBus({
    port: {} as BroadcastPort,
    runtime: createRuntime(),
    instance: { role: more.role ?? 'worker', host: 'h', pid: 1, version: '1' },
    handlers: Array.from({ length: more.handlers ?? 1 }, () => answer(ping, () => 'pong')),
    ...(more.ttlMs ? { ttlMs: more.ttlMs } : {}),
    ...(more.beatMs ? { beatMs: more.beatMs } : {}),
  });
}

describe('commands', () => {
  it('are refused with a bad name or timeout', () => {
    expect(ping.timeoutMs).toBe(5_000);
    expect(() => defineCommand({ ...ping, name: 'two words' })).toThrow(INVALID);
    for (const timeoutMs of [0, -1, 1.5, Number.NaN]) {
      expect(() => defineCommand({ ...ping, timeoutMs })).toThrow(INVALID);
    }
  });

  it('need one handler each, a role, and beats faster than the time to live', () => {
    expect(() => bus({ handlers: 2 })).toThrow(INVALID);
    expect(() => bus({ role: '' })).toThrow(INVALID);
    expect(() => bus({ ttlMs: 100, beatMs: 100 })).toThrow(INVALID);
    expect(bus({}).instance).not.toBe(bus({}).instance);
  });

  it('leave out what another hand wrote into their topics', () => {
    for (const text of ['', 'x', 'null', '7', '[]', '{}', '{"id":1,"name":"a","timeoutMs":1}']) {
      expect(decodeEnvelope(text), text).toBeUndefined();
      expect(decodeReply(text), text).toBeUndefined();
      expect(decodeInstance({ id: 'm', info: text, joinedAt: 0, lastSeen: 0 }), text).toBeUndefined();
    }
    expect(
      decodeReply('{"instance":"a","outcome":"failed","error":{"code":"ODD","message":"m"},"ms":1}'),
    ).toMatchObject({
      error: { code: 'INTERNAL', message: 'm' },
    });
  });
});
