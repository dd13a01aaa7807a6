import { PortolanError } from '@portolan/core';
import { expect } from 'vitest';
import { collect, during, numbers, topicsOf, wrapPort } from './broadcast-kit.ts';
import type { AddCase } from './suite.ts';

/** Hints and stores that fail, and what a subscriber notices of it: nothing. */
export function failureCases(add: AddCase): void {
  add('lost hints are healed by a slow poll', async ({ kit, backend }) => {
    const deaf = wrapPort(backend.broadcast, () => ({ hint: async () => async () => undefined }));
    const reader = collect(kit, topicsOf(kit, deaf).subscribe('t', { after: 'start' }));
    const topics = topicsOf(kit, backend.broadcast);
    await kit.pass(20);
    for (const n of numbers(1, 250)) void topics.publish('t', n);
    await reader.until(250);
    expect(reader.data()).toEqual(numbers(1, 250));
  });

  add('doubled and needless hints double nothing', async ({ kit, backend }) => {
    let hint = () => {};
    const port = wrapPort(backend.broadcast, (real) => ({
      hint: (topic, onHint) => {
        hint = onHint;
        return real.hint(topic, () => {
          onHint();
          onHint();
        });
      },
    }));
    const topics = topicsOf(kit, port);
    const reader = collect(kit, topics.subscribe('t', { after: 'start' }));
    for (const n of numbers(1, 30)) {
      await topics.publish('t', n);
      hint();
    }
    await reader.until(30);
    expect(reader.data()).toEqual(numbers(1, 30));
  });

  add('a store that goes away and comes back leaves no gap and no double', async ({ kit, backend }) => {
    let away = true;
    let refused = 0;
    const refuse = () => {
      if (!away) return;
      refused++;
      throw new PortolanError('UNAVAILABLE', 'away');
    };
    const port = wrapPort(backend.broadcast, (real) => ({
      async read(...args) {
        refuse();
        const answer = await real.read(...args);
        // The answer is lost too when the store went away meanwhile.
        refuse();
        return answer;
      },
      async hint(...args) {
        refuse();
        return real.hint(...args);
      },
    }));
    const writer = topicsOf(kit, backend.broadcast);
    await writer.publish('t', 'before');
    const subscription = topicsOf(kit, port).subscribe('t');
    const reader = collect(kit, subscription);
    await kit.eventually('refused', () => refused >= 2);
    away = false;
    await during(kit, subscription.ready);
    for (const round of numbers(0, 3)) {
      const before = refused;
      await writer.publish('t', round * 2);
      away = true;
      await writer.publish('t', round * 2 + 1);
      await kit.eventually('refused again', () => refused > before);
      away = false;
    }
    await reader.until(8);
    expect(reader.data()).toEqual(numbers(0, 7));
    expect(reader.events.some((event) => event.gap)).toBe(false);
  });

  add('an error that trying again cannot mend ends the subscription', async ({ kit, backend }) => {
    let stopped = 0;
    const port = wrapPort(backend.broadcast, () => ({
      read: async () => {
        throw new PortolanError('UNAVAILABLE', 'closed for good', { retryable: false });
      },
      hint: async () => async () => void stopped++,
    }));
    const topics = topicsOf(kit, port);
    const end = topics.subscribe('t');
    await expect(end.ready).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(collect(kit, end).done).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(collect(kit, topics.subscribe('t', { after: 'start' })).done).rejects.toMatchObject({
      code: 'UNAVAILABLE',
    });
    expect(stopped).toBe(1);
  });

  add('a failed append fails every publish in it', async ({ kit, backend }) => {
    const port = wrapPort(backend.broadcast, () => ({
      append: async () => {
        throw new PortolanError('UNAVAILABLE', 'away');
      },
    }));
    const topics = topicsOf(kit, port);
    const outcomes = await Promise.allSettled([topics.publish('t', 1), topics.publish('t', 2)]);
    expect(outcomes.map((one) => one.status)).toEqual(['rejected', 'rejected']);
  });
}
