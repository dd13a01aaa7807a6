import { answer, type CommandBus, type CommandHandler, defineCommand, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import { during, LONG } from './broadcast-kit.ts';
import { busOf, echo, startBus } from './command-kit.ts';
import { commandLifeCases } from './command-life.ts';
import type { Harness } from './harness.ts';
import { type AddCase, suite } from './suite.ts';

const pids = (replies: readonly { readonly pid: number }[]) => replies.map((reply) => reply.pid).sort((a, b) => a - b);

export function commandSuite(harness: Harness): void {
  suite(harness, 'commands', (add) => {
    reachCases(add);
    answerCases(add);
    sendCases(add);
    commandLifeCases(add);
  });
}

function reachCases(add: AddCase): void {
  add('runs exactly once in each of four processes while other traffic goes on', async ({ kit, backend }) => {
    const backends = [backend, await kit.open(), await kit.open(), await kit.open()];
    const ran: string[] = [];
    const count = defineCommand({ name: 'count', input: z.object({ n: z.number() }), output: z.number() });
    const buses = await Promise.all(
      backends.map((one, pid) =>
        startBus(kit, one.broadcast, { pid }, [
          answer(count, async ({ n }, { id }) => {
            ran.push(`${pid} ${id}`);
            await kit.runtime.sleep(1);
            return n + pid;
          }),
        ]),
      ),
    );
    let noise = 0;
    let over = false;
    const traffic = (async () => {
      while (!over) {
        await Promise.all(backends.map((one) => one.broadcast.append('noise', [{ data: '1' }], LONG)));
        noise++;
        await kit.runtime.sleep(1);
      }
    })();
    const sends = Array.from({ length: 20 }, (_, n) => (buses[n % 4] as CommandBus).send(count, { n: n * 10 }));
    const reports = await during(kit, Promise.all(sends));
    over = true;
    await during(kit, traffic);
    expect(noise).toBeGreaterThan(0);
    reports.forEach((report, n) => {
      expect(report).toMatchObject({ expected: 4, missing: [], lost: [] });
      expect(pids(report.replies)).toEqual([0, 1, 2, 3]);
      for (const { outcome, result, pid } of report.replies) expect([outcome, result]).toEqual(['ok', n * 10 + pid]);
    });
    expect(ran).toHaveLength(80);
    expect(new Set(ran).size).toBe(80);
    await Promise.all(buses.map((bus) => bus.stop()));
  });

  add('reaches fifty instances', async ({ kit, backend }) => {
    const buses = await Promise.all(
      Array.from({ length: 50 }, (_, pid) => startBus(kit, backend.broadcast, { pid }, [echo])),
    );
    const report = await during(kit, (buses[7] as CommandBus).send(echo.command, 'all'));
    expect(report).toMatchObject({ expected: 50, missing: [], lost: [] });
    expect(new Set(report.replies.map((reply) => reply.instance))).toEqual(new Set(buses.map((bus) => bus.instance)));
    await Promise.all(buses.map((bus) => bus.stop()));
  });

  add('reaches one role only', async ({ kit, backend }) => {
    const ran: string[] = [];
    const ping = defineCommand({ name: 'ping', input: z.unknown(), output: z.string() });
    const handler = (role: string) =>
      answer(ping, () => {
        ran.push(role);
        return role;
      });
    const worker = await startBus(kit, backend.broadcast, { role: 'worker' }, [handler('worker')]);
    const server = await startBus(kit, backend.broadcast, { role: 'server' }, [handler('server')]);
    const report = await during(kit, server.send(ping, {}, { role: 'worker' }));
    expect(report.expected).toBe(1);
    expect(report.replies).toMatchObject([{ instance: worker.instance, role: 'worker', result: 'worker' }]);
    expect(await during(kit, server.send(ping, {}, { role: 'nobody' }))).toMatchObject({ expected: 0, replies: [] });
    expect((await during(kit, worker.send('ping', {}))).expected).toBe(2);
    expect(ran.sort()).toEqual(['server', 'worker', 'worker']);
    await Promise.all([worker.stop(), server.stop()]);
  });

  add('a bus that never started sends, and is not reached', async ({ kit, backend }) => {
    const sender = busOf(kit, (await kit.open()).broadcast, { role: 'client' }, []);
    expect(await during(kit, sender.send(echo.command, 1))).toMatchObject({ expected: 0, replies: [] });
    const bus = await startBus(kit, backend.broadcast, {}, [echo]);
    const report = await during(kit, sender.send(echo.command, { deep: [1, null, 'é'] }));
    expect(report.expected).toBe(1);
    expect(report.replies).toMatchObject([{ instance: bus.instance, outcome: 'ok', result: { deep: [1, null, 'é'] } }]);
    await bus.stop();
  });
}

function answerCases(add: AddCase): void {
  add('tells what went wrong, and hides what is internal', async ({ kit, backend }) => {
    const any = (name: string, handler: () => unknown): CommandHandler =>
      answer(defineCommand({ name, input: z.unknown(), output: z.unknown() }), handler);
    const bus = await startBus(kit, backend.broadcast, {}, [
      any('conflict', () => {
        throw new PortolanError('CONFLICT', 'taken by another');
      }),
      any('secret', () => {
        throw new Error('password is hunter2');
      }),
      any('large', () => 'x'.repeat(70_000)),
      any('circular', () => 1n),
      any('nothing', () => undefined),
      answer(defineCommand({ name: 'typed', input: z.unknown(), output: z.number() }), () => 'x' as unknown as number),
    ]);
    const outcome = async (name: string) => {
      const [reply] = (await during(kit, bus.send(name, 1))).replies;
      return [reply?.outcome, reply?.error?.code, reply?.error?.message, reply?.result];
    };
    expect(await outcome('conflict')).toEqual(['failed', 'CONFLICT', 'taken by another', undefined]);
    expect(await outcome('secret')).toEqual(['failed', 'INTERNAL', 'internal error', undefined]);
    expect((await outcome('large')).slice(0, 2)).toEqual(['failed', 'TOO_LARGE']);
    expect((await outcome('circular')).slice(0, 2)).toEqual(['failed', 'INVALID']);
    expect((await outcome('typed')).slice(0, 2)).toEqual(['failed', 'INVALID']);
    expect((await outcome('unknown')).slice(0, 2)).toEqual(['failed', 'NOT_FOUND']);
    expect(await outcome('nothing')).toEqual(['ok', undefined, undefined, undefined]);
    await bus.stop();
  });

  add('parses the arguments for the handler and the result for the sender', async ({ kit, backend }) => {
    const shift = defineCommand({
      name: 'shift',
      input: z.object({ at: z.coerce.date(), days: z.number().default(1) }),
      output: z.object({ at: z.string().transform((text) => new Date(text)) }),
    });
    const bus = await startBus(kit, backend.broadcast, {}, [
      answer(shift, ({ at, days }) => ({ at: new Date(at.getTime() + days * 86_400_000).toISOString() })),
    ]);
    const { replies } = await during(kit, bus.send(shift, { at: '2026-01-01' }));
    expect(replies[0]?.result?.at).toEqual(new Date('2026-01-02'));
    await bus.stop();
  });

  add('handlers run side by side and the context says from whom', async ({ kit, backend }) => {
    const gate = Promise.withResolvers<void>();
    const wait = defineCommand({ name: 'wait', input: z.string(), output: z.string() });
    const open = defineCommand({ name: 'open', input: z.unknown(), output: z.string() });
    const bus = await startBus(kit, backend.broadcast, {}, [
      answer(wait, async (word, { id }) => {
        await gate.promise;
        return `${word} ${id}`;
      }),
      answer(open, (_, { from }) => {
        gate.resolve();
        return from;
      }),
    ]);
    const waiting = bus.send(wait, 'first');
    const opened = await during(kit, bus.send(open, null));
    expect(opened.replies[0]?.result).toBe(bus.instance);
    const { id, replies } = await during(kit, waiting);
    expect(replies[0]?.result).toBe(`first ${id}`);
    await bus.stop();
  });
}

function sendCases(add: AddCase): void {
  add('refuses bad arguments before anything is sent', async ({ kit, backend }) => {
    const command = defineCommand({
      name: 'set',
      input: z.object({ user: z.object({ age: z.number() }) }),
      output: z.unknown(),
    });
    const bus = await startBus(kit, backend.broadcast, {}, [answer(command, () => expect.unreachable())]);
    const wrong = { user: { age: 'x' } };
    const refusal = { code: 'INVALID', issues: [{ path: ['user', 'age'] }] };
    await expect(bus.send('set', wrong)).rejects.toMatchObject(refusal);
    await expect(bus.send(command, wrong as unknown as { user: { age: number } })).rejects.toMatchObject(refusal);
    await expect(bus.send('other', 'x'.repeat(70_000))).rejects.toMatchObject({ code: 'TOO_LARGE' });
    await expect(bus.send('no spaces', 1)).rejects.toMatchObject({ code: 'INVALID' });
    await expect(bus.send('other', 1, { timeoutMs: 0 })).rejects.toMatchObject({ code: 'INVALID' });
    await expect(bus.send('other', 1, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
    const [sent] = await backend.broadcast.read([{ topic: '~commands', after: 'start' }], 10);
    expect(sent?.messages).toEqual([]);
    await bus.stop();
  });

  add('who is too slow is missing, and its signal aborts', async ({ kit, backend }) => {
    const slow = defineCommand({ name: 'slow', input: z.boolean(), output: z.string(), timeoutMs: 150 });
    const aborted: boolean[] = [];
    const handler = (late: boolean) =>
      answer(slow, async (_, { signal }) => {
        if (late) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        // The sender takes its last look about now; what is answered later is not in the report.
        if (late) await kit.runtime.sleep(100);
        aborted.push(signal.aborted);
        return 'done';
      });
    const quick = await startBus(kit, backend.broadcast, { pid: 1 }, [handler(false)]);
    const late = await startBus(kit, (await kit.open()).broadcast, { pid: 2 }, [handler(true)]);
    const report = await during(kit, quick.send(slow, true));
    expect(report).toMatchObject({ expected: 2, missing: [late.instance], lost: [] });
    expect(report.replies).toMatchObject([{ instance: quick.instance, outcome: 'ok', result: 'done' }]);
    await kit.eventually('the handler ended', () => aborted.length === 2);
    expect(aborted).toEqual([false, true]);
    await Promise.all([quick.stop(), late.stop()]);
  });

  add('aborting the wait is CANCELLED', async ({ kit, backend }) => {
    const hang = defineCommand({ name: 'hang', input: z.unknown(), output: z.unknown() });
    let started = false;
    const bus = await startBus(kit, backend.broadcast, {}, [
      answer(hang, async (_, { signal }) => {
        started = true;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }),
    ]);
    const abort = new AbortController();
    const sending = bus.send(hang, 1, { signal: abort.signal });
    const refused = expect(sending).rejects.toMatchObject({ code: 'CANCELLED' });
    await kit.eventually('the handler runs', () => started);
    abort.abort();
    await refused;
    await during(kit, bus.stop());
  });
}
