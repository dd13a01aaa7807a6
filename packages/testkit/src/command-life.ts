import { answer, type BroadcastPort, defineCommand, PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { z } from 'zod';
import { during, wrapPort } from './broadcast-kit.ts';
import { busOf, echo, startBus } from './command-kit.ts';
import type { AddCase } from './suite.ts';

const note = defineCommand({ name: 'note', input: z.string(), output: z.unknown(), timeoutMs: 300 });

/** A port whose calls stand still while the gate is shut, as in a process that is paused. */
function pausable(port: BroadcastPort) {
  let gate: PromiseWithResolvers<void> | undefined;
  const held = async <T>(call: () => Promise<T>): Promise<T> => {
    await gate?.promise;
    return call();
  };
  return {
    port: wrapPort(port, (real) => ({
      read: (...args) => held(() => real.read(...args)),
      join: (...args) => held(() => real.join(...args)),
      append: (...args) => held(() => real.append(...args)),
    })),
    pause() {
      gate = Promise.withResolvers();
    },
    resume() {
      gate?.resolve();
      gate = undefined;
    },
  };
}

/** Instances that start, stop, pause, vanish, or lose their store. */
export function commandLifeCases(add: AddCase): void {
  add('lists the live instances; a stopped one is gone at once', async ({ kit, backend }) => {
    const first = await startBus(kit, backend.broadcast, { role: 'server', pid: 7, version: '2.0' }, []);
    const second = await startBus(kit, (await kit.open()).broadcast, { role: 'worker', host: 'far', startedAt: 5 }, []);
    const known = await first.instances();
    expect(known.map((one) => one.instance)).toEqual([first.instance, second.instance].sort());
    expect(known.find((one) => one.instance === first.instance)).toMatchObject({
      role: 'server',
      host: 'test',
      pid: 7,
      version: '2.0',
    });
    expect(known.find((one) => one.instance === second.instance)).toMatchObject({ host: 'far', startedAt: 5 });
    await second.stop();
    expect((await first.instances()).map((one) => one.instance)).toEqual([first.instance]);
    await first.stop();
    await first.stop();
    expect(await first.instances()).toEqual([]);
  });

  add('beats keep an instance alive', async ({ kit, backend }) => {
    const bus = await startBus(kit, backend.broadcast, { ttlMs: 300, beatMs: 40 }, [echo]);
    for (let at = 0; at < 8; at++) await kit.pass(100);
    expect(await bus.instances()).toHaveLength(1);
    await bus.stop();
  });

  add('who vanishes is lost', async ({ kit, backend }) => {
    const bus = await startBus(kit, backend.broadcast, {}, [echo]);
    const info = JSON.stringify({ role: 'worker', host: 'gone', pid: 9, version: '1', startedAt: 1 });
    await backend.broadcast.join('~commands', { id: 'vanished', info }, 200);
    const report = await during(kit, bus.send(echo.command, 1));
    expect(report).toMatchObject({ expected: 2, missing: [], lost: ['vanished'] });
    expect(report.replies).toMatchObject([{ instance: bus.instance, outcome: 'ok' }]);
    await bus.stop();
  });

  add('who leaves in the middle is lost, unless it answered', async ({ kit, backend }) => {
    const quit = defineCommand({ name: 'quit', input: z.unknown(), output: z.string() });
    const began: number[] = [];
    const staying = await startBus(kit, backend.broadcast, { pid: 1 }, [answer(quit, () => 'stays')]);
    const leaving = await startBus(kit, backend.broadcast, { pid: 2 }, [
      answer(quit, async (_, { signal }) => {
        began.push(2);
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return 'too late';
      }),
    ]);
    const answering = await startBus(kit, backend.broadcast, { pid: 3 }, [answer(quit, () => 'answered')]);
    const sending = staying.send(quit, null);
    await kit.eventually('the handler runs', () => began.length === 1);
    const stopping = Promise.all([leaving.stop(), answering.stop()]);
    const report = await during(kit, sending);
    expect(report).toMatchObject({ expected: 3, missing: [], lost: [leaving.instance] });
    expect(report.replies.map((reply) => reply.result).sort()).toEqual(['answered', 'stays']);
    await during(kit, stopping);
    await staying.stop();
  });

  add('who joins after the sending is not expected and does not run it', async ({ kit, backend }) => {
    const ran: string[] = [];
    const handler = (name: string) => answer(note, (word) => void ran.push(`${name} ${word}`));
    const old = await startBus(kit, backend.broadcast, {}, [handler('old')]);
    const sent = await during(kit, old.send(note, 'one'));
    const young = await startBus(kit, (await kit.open()).broadcast, {}, [handler('young')]);
    expect(sent.expected).toBe(1);
    expect((await during(kit, young.send(note, 'two'))).expected).toBe(2);
    expect(ran.sort()).toEqual(['old one', 'old two', 'young two']);
    await Promise.all([old.stop(), young.stop()]);
  });

  add('every start is a new instance', async ({ kit, backend }) => {
    const ran: string[] = [];
    const bus = busOf(kit, backend.broadcast, {}, [answer(note, (word) => void ran.push(word))]);
    await bus.start();
    const before = bus.instance;
    await during(kit, bus.send(note, 'one'));
    await bus.stop();
    await during(kit, bus.send(note, 'to nobody'));
    await bus.start();
    expect(bus.instance).not.toBe(before);
    expect((await during(kit, bus.send(note, 'two'))).replies).toMatchObject([{ instance: bus.instance }]);
    expect(ran).toEqual(['one', 'two']);
    await bus.stop();
  });

  add('an instance that was paused skips what is past its deadline and goes on', async ({ kit, backend }) => {
    const paused = pausable((await kit.open()).broadcast);
    const ran: string[] = [];
    const bus = await startBus(kit, paused.port, { ttlMs: 200, beatMs: 50 }, [
      answer(note, (word) => void ran.push(word)),
    ]);
    const sender = busOf(kit, backend.broadcast, {}, []);
    await during(kit, sender.send(note, 'before'));
    paused.pause();
    await kit.pass(400);
    // Its membership expired, so nobody expects it.
    const stale = await during(kit, sender.send(note, 'stale'));
    expect(stale.expected).toBe(0);
    await kit.pass(400);
    paused.resume();
    const [skipped] = await kit.eventually('the skipped reply', async () => {
      const [read] = await backend.broadcast.read([{ topic: `~replies.${stale.id}`, after: 'start' }], 10);
      return read?.messages.length ? read.messages : undefined;
    });
    expect(JSON.parse(skipped?.data ?? '')).toMatchObject({ instance: bus.instance, outcome: 'skipped' });
    await kit.eventually('it joined again', async () => (await sender.instances()).length === 1);
    const after = await during(kit, sender.send(note, 'after', { timeoutMs: 2_000 }));
    expect(after).toMatchObject({ expected: 1, replies: [{ instance: bus.instance, outcome: 'ok' }] });
    expect(ran).toEqual(['before', 'after']);
    await bus.stop();
  });

  add('an instance that was taken for dead still runs what is in time, once', async ({ kit, backend }) => {
    const paused = pausable((await kit.open()).broadcast);
    const ran: string[] = [];
    const bus = await startBus(kit, paused.port, { ttlMs: 100, beatMs: 40 }, [
      answer(note, (word) => void ran.push(word)),
    ]);
    paused.pause();
    await kit.pass(250);
    const witness = await startBus(kit, backend.broadcast, { ttlMs: 60_000 }, [
      answer(note, () => kit.runtime.sleep(1_000)),
    ]);
    const sending = witness.send(note, 'late', { timeoutMs: 5_000 });
    await kit.pass(50);
    paused.resume();
    const report = await during(kit, sending);
    expect(report.expected).toBe(1);
    expect(new Set(report.replies.map((reply) => reply.instance))).toEqual(new Set([bus.instance, witness.instance]));
    expect(ran).toEqual(['late']);
    await Promise.all([bus.stop(), during(kit, witness.stop())]);
  });

  add('starts with the store away, and answers once it is there', async ({ kit, backend }) => {
    let attempts = 0;
    const port = wrapPort(backend.broadcast, (real) => ({
      async join(...args) {
        if (attempts++ < 3) throw new PortolanError('UNAVAILABLE', 'away');
        return real.join(...args);
      },
    }));
    const bus = await startBus(kit, port, {}, [echo]);
    expect(attempts).toBe(1);
    await kit.eventually('it joined', async () => (await bus.instances()).length === 1);
    expect((await during(kit, bus.send(echo.command, 1))).replies).toMatchObject([{ result: 1 }]);
    await bus.stop();
  });

  add('a join whose reply was lost misses nothing sent meanwhile', async ({ kit, backend }) => {
    const sender = busOf(kit, backend.broadcast, {}, []);
    let joins = 0;
    let sending: Promise<unknown> | undefined;
    const port = wrapPort(backend.broadcast, (real) => ({
      async join(...args) {
        const answer = await real.join(...args);
        if (joins++ > 0) return answer;
        sending = sender.send(echo.command, 'meanwhile');
        await kit.eventually('sent', async () => {
          const [read] = await backend.broadcast.read([{ topic: '~commands', after: 'start' }], 1);
          return read?.messages.length === 1;
        });
        throw new PortolanError('TIMEOUT', 'reply lost');
      },
    }));
    const bus = busOf(kit, port, {}, [echo]);
    await during(kit, bus.start());
    expect(await during(kit, sending as Promise<unknown>)).toMatchObject({
      expected: 1,
      replies: [{ outcome: 'ok', result: 'meanwhile' }],
    });
    await bus.stop();
  });

  add('replies survive a store that is away for a moment', async ({ kit, backend }) => {
    let failures = 0;
    const port = wrapPort(backend.broadcast, (real) => ({
      async append(topic, ...args) {
        if (topic.startsWith('~replies') && failures++ < 2) {
          // The first reply is lost on its way back: it is stored, and stored again.
          if (failures === 1) await real.append(topic, ...args);
          throw new PortolanError('UNAVAILABLE', 'away');
        }
        return real.append(topic, ...args);
      },
    }));
    const bus = await startBus(kit, port, {}, [echo]);
    const sender = busOf(kit, backend.broadcast, {}, []);
    const report = await during(kit, sender.send(echo.command, 1));
    expect(report).toMatchObject({ expected: 1, replies: [{ result: 1 }], missing: [], lost: [] });
    await kit.eventually('both attempts', () => failures >= 3);
    await bus.stop();
  });

  add('gathering goes on when the store is away for a moment', async ({ kit, backend }) => {
    let failures = 0;
    const port = wrapPort(backend.broadcast, (real) => ({
      async read(...args) {
        if (failures++ < 3) throw new PortolanError('UNAVAILABLE', 'away');
        return real.read(...args);
      },
    }));
    const bus = await startBus(kit, backend.broadcast, {}, [echo]);
    const report = await during(kit, busOf(kit, port, {}, []).send(echo.command, 1));
    expect(report).toMatchObject({ expected: 1, replies: [{ result: 1 }] });
    await bus.stop();
  });
}
