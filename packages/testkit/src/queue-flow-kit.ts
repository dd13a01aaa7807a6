import type { Amended, NewJob, OwedPart, QueuePort } from '@portolan/core';
import { expect } from 'vitest';
import { completed, type QueueClient } from './queue-client.ts';

export const owedOf = async (port: QueuePort, queue = 'work', limit = 100): Promise<readonly OwedPart[]> =>
  (await port.inspect({ of: 'owed', queue, limit })).owed ?? [];

interface Part {
  readonly turn?: number;
  readonly text?: string;
  readonly fail?: string;
}

export const deliver = (
  port: QueuePort,
  id: string,
  part: string,
  { turn = 1, text = '1', ...fail }: Part = {},
): Promise<Amended> => port.amend('work', { do: 'deliver', id, part, turn, text, ...fail });

export async function partsOf(port: QueuePort, id: string, limit = 100): Promise<string[]> {
  const parts: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await port.inspect({ of: 'parts', queue: 'work', id, cursor, limit });
    expect(page.parts?.length).toBeLessThanOrEqual(limit);
    for (const { part, turn, fails, text } of page.parts ?? []) parts.push(`${part} ${turn} ${fails} ${text}`);
    cursor = page.cursor;
  } while (cursor !== null);
  return parts.sort();
}

export const child = (id: string, more: Partial<NewJob> = {}) => ({ id, parent: `parent of ${id}`, ...more });

/** Everything a session can end, each in its way. */
export async function endAll(client: QueueClient, ...ids: string[]): Promise<void> {
  await client.claim(ids.length);
  await client.settle(...ids.map((id) => completed(id, `"${id}"`)));
}
