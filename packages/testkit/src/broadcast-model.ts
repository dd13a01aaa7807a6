import type { BroadcastPort, Cursor, ReadAfter } from '@portolan/core';
import fc from 'fast-check';
import { expect } from 'vitest';

const topic = fc.constantFrom('a', 'b');
const member = fc.constantFrom('m1', 'm2', 'm3');
/** A cursor by what it means, since incarnations differ between the two: the n-th one learnt so far, or one made up. */
const place = fc.oneof(
  { weight: 2, arbitrary: fc.constantFrom('start' as const, 'end' as const) },
  { weight: 6, arbitrary: fc.nat({ max: 40 }).map((learnt) => ({ learnt })) },
  { weight: 1, arbitrary: fc.nat({ max: 20 }).map((ahead) => ({ ahead })) },
  { weight: 1, arbitrary: fc.nat({ max: 20 }).map((strange) => ({ strange })) },
);
type Place = typeof place extends fc.Arbitrary<infer T> ? T : never;

const operation = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('append' as const),
      topic,
      messages: fc.array(
        fc.jsonValue().map((value) => JSON.stringify(value)),
        { minLength: 1, maxLength: 5 },
      ),
      count: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(1_000)),
      members: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      op: fc.constant('read' as const),
      from: fc.array(fc.record({ topic, place }), { maxLength: 3 }),
      limit: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('join' as const), topic, member, info: fc.string() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('leave' as const), topic, member }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('members' as const), topic }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

const FAR_MS = 3_600_000;

/** One port under test, and the cursors it has answered of each topic: two topics may be born in the same ms, and then share an incarnation. */
class Subject {
  readonly #port: BroadcastPort;
  readonly #learnt = new Map<string, Cursor[]>();

  constructor(port: BroadcastPort) {
    this.#port = port;
  }

  /** A cursor as its sequence, with a mark when it says that nothing was there. */
  #learn(topic: string, cursor: Cursor): string {
    this.#learnt.set(topic, [...(this.#learnt.get(topic) ?? []), cursor]);
    const [incarnation, sequence] = cursor.split('-');
    return incarnation === '0' ? `nowhere ${sequence}` : `${sequence}`;
  }

  #after(topic: string, place: Place): ReadAfter {
    const learnt = this.#learnt.get(topic) ?? [];
    if (typeof place === 'string') return place;
    if ('strange' in place) return `12345-${place.strange}`;
    const last = learnt.at(-1) ?? '0-0';
    if ('ahead' in place) return `${last.split('-')[0]}-${place.ahead}`;
    return learnt[place.learnt % Math.max(1, learnt.length)] ?? '0-0';
  }

  async perform(one: Operation): Promise<unknown> {
    const port = this.#port;
    if (one.op === 'append') {
      const retention = { count: one.count, ms: FAR_MS, resumeMs: FAR_MS };
      const messages = one.messages.map((data) => ({ data }));
      const { cursors, members } = await port.append(one.topic, messages, retention, { members: one.members });
      return {
        cursors: cursors.map((cursor) => this.#learn(one.topic, cursor)),
        members: members.map(({ id, info }) => [id, info]),
      };
    }
    if (one.op === 'read') {
      const from = one.from.map(({ topic, place }) => ({ topic, after: this.#after(topic, place) }));
      const reads = await port.read(from, one.limit);
      return reads.map(({ messages, cursor, gap, more }, at) => ({
        messages: messages.map((message) => [this.#learn(from[at]?.topic ?? '', message.cursor), message.data]),
        cursor: this.#learn(from[at]?.topic ?? '', cursor),
        gap,
        more,
      }));
    }
    if (one.op === 'join') {
      const { cursor, joined } = await port.join(one.topic, { id: one.member, info: one.info }, FAR_MS);
      return [this.#learn(one.topic, cursor), joined];
    }
    if (one.op === 'leave') return port.leave(one.topic, one.member);
    return (await port.members(one.topic)).map(({ id, info }) => [id, info]);
  }

  async summary(): Promise<unknown> {
    const topics = await this.#port.topics();
    return topics.map(({ cursor, ...rest }) => ({ ...rest, cursor: cursor.split('-')[1] }));
  }
}

/** Random sequences of operations must be answered alike by both ports. `open` gives two empty ones under real time. */
export async function checkBroadcastModel(
  open: () => Promise<{ oracle: BroadcastPort; subject: BroadcastPort }>,
  runs: number,
): Promise<void> {
  const sequence = fc.array(operation, { minLength: 1, maxLength: 40 });
  const property = fc.asyncProperty(sequence, async (operations) => {
    const ports = await open();
    const oracle = new Subject(ports.oracle);
    const subject = new Subject(ports.subject);
    for (const one of operations) {
      expect(await subject.perform(one)).toEqual(await oracle.perform(one));
    }
    expect(await subject.summary()).toEqual(await oracle.summary());
  });
  await fc.assert(property, { numRuns: runs });
}
