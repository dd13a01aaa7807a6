import { createPortolan, defineJob, handle, openBackend, type Schema } from '@portolan/core';
import { afterEach, expect, it, vi } from 'vitest';
import { memoryAdapter } from '../src/index.ts';

const text: Schema<string, string> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: String(value) }) },
};

afterEach(() => {
  vi.useRealTimers();
});

it('an inline queue waits for no timer, and leaves none behind', async () => {
  vi.useFakeTimers();
  const portolan = createPortolan(await openBackend('memory:', { adapters: [memoryAdapter()] }));
  const mail = defineJob({ name: 'mail', input: text, output: text });
  const run = handle(mail, (to, { attempt }) => (attempt < 3 ? Promise.reject(new Error('busy')) : `sent to ${to}`));
  const queue = portolan.inlineQueue({ handlers: [run] });
  const { id } = await queue.enqueue(mail, 'ada');
  expect(await queue.result(id)).toBe('sent to ada');
  expect(vi.getTimerCount()).toBe(0);
  await portolan.close();
});
