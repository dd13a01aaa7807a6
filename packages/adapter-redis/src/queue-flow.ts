import type { Amendment, DeliveredPart, FlowInspection, OwedPart, QueueInspected } from '@portolan/core';
import type { RedisArgument, RedisScript } from './connection.ts';
import { DELIVER, OWED, PARTS, STRIKE } from './queue-scripts/flow.ts';

/** The script for an amendment that has one of its own, with its arguments. */
export function flowScript(amendment: Amendment): [RedisScript, RedisArgument[]] | undefined {
  switch (amendment.do) {
    case 'deliver': {
      const { id, part, turn, text, fail } = amendment;
      return [DELIVER, [id, part, turn, text, ...(fail === undefined ? [] : [fail])]];
    }
    case 'strike':
      return [STRIKE, [amendment.id, amendment.turn, -1]];
    case 'defer':
      return [STRIKE, [amendment.id, amendment.turn, amendment.delayMs]];
    default:
      return undefined;
  }
}

export function flowLook(inspection: FlowInspection): [RedisScript, RedisArgument[]] {
  if (inspection.of === 'owed') return [OWED, [inspection.limit]];
  return [PARTS, [inspection.id, Number(inspection.cursor ?? 0), inspection.limit]];
}

/** The answer of either script, which tells entries as they are stored (queue-scripts/parts.ts). */
export function readFlow(reply: unknown): QueueInspected {
  const [head, flat] = reply as [number | string, string[]];
  if (typeof head === 'string') return { queues: [], jobs: [], cursor: null, owed: readOwed(head, flat) };
  const parts = pairs(flat).map(([part, stored]) => readPart(part, stored));
  return { queues: [], jobs: [], cursor: head < 0 ? null : String(head), parts };
}

function readOwed(now: string, flat: readonly string[]): OwedPart[] {
  return pairs(flat).map(([id, entry]) => {
    const { missedAt, ...owed } = readDebt(id, entry);
    return { ...owed, missedMs: missedAt === null ? null : Number(now) - missedAt };
  });
}

export function readDebt(id: string, entry: string): Omit<OwedPart, 'missedMs'> & { readonly missedAt: number | null } {
  const [head = '', turn, missed, state, length] = /^(\d+):(\d*):([a-z]+):(\d+):/.exec(entry) ?? [];
  // The length counts bytes.
  const behind = Buffer.from(entry.slice(head.length));
  const parent = behind.toString('utf8', 0, Number(length));
  const rest = behind.toString('utf8', Number(length));
  return {
    id,
    turn: Number(turn),
    parent,
    state: state as OwedPart['state'],
    text: rest === '' ? null : rest.slice(1),
    missedAt: missed === '' ? null : Number(missed),
  };
}

export function readPart(part: string, stored: string): DeliveredPart {
  const [head = '', turn, fails] = /^(\d+):(\d):/.exec(stored) ?? [];
  return { part, turn: Number(turn), fails: fails === '1', text: stored.slice(head.length) };
}

const pairs = (flat: readonly string[]): [string, string][] =>
  Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] as string, flat[at * 2 + 1] as string]);
