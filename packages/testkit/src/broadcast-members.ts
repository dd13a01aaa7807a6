import { expect } from 'vitest';
import { LONG, said } from './broadcast-kit.ts';
import type { AddCase } from './suite.ts';

/** Who is there: joining, beating, leaving, expiring, and how that lines up with appends. */
export function memberCases(add: AddCase): void {
  add('members join, beat and leave', async ({ kit, backend: { broadcast } }) => {
    const other = (await kit.open()).broadcast;
    const { cursors } = await broadcast.append('t', said(1), LONG);
    expect(await broadcast.join('t', { id: 'b', info: '{"n":"b c"}' }, 60_000)).toEqual({
      cursor: cursors[0],
      joined: true,
    });
    await broadcast.append('t', said(2), LONG);
    expect(await other.join('t', { id: 'a', info: '1\n2' }, 60_000)).toMatchObject({ joined: true });
    const [a, b] = await broadcast.members('t');
    expect([a, b]).toMatchObject([
      { id: 'a', info: '1\n2' },
      { id: 'b', info: '{"n":"b c"}' },
    ]);
    await kit.pass(20);
    // A beat: the cursor is still that of the joining, the info the new one.
    expect(await other.join('t', { id: 'b', info: '{}' }, 60_000)).toEqual({ cursor: cursors[0], joined: false });
    const beaten = (await broadcast.members('t'))[1];
    expect(beaten).toMatchObject({ id: 'b', info: '{}', joinedAt: b?.joinedAt });
    expect(beaten?.lastSeen).toBeGreaterThan(b?.lastSeen ?? Number.POSITIVE_INFINITY);
    expect(await broadcast.leave('t', 'b')).toBe(true);
    expect(await broadcast.leave('t', 'b')).toBe(false);
    expect((await other.members('t')).map((one) => one.id)).toEqual(['a']);
    expect(await other.members('other')).toEqual([]);
  });

  add('a member without a beat expires and may join again', async ({ kit, backend: { broadcast } }) => {
    await broadcast.join('t', { id: 'short', info: '{}' }, 80);
    await broadcast.join('t', { id: 'long', info: '{}' }, 60_000);
    const { cursors } = await broadcast.append('t', said(1), LONG);
    await kit.pass(160);
    expect((await broadcast.members('t')).map((one) => one.id)).toEqual(['long']);
    expect((await broadcast.append('u', said(1), LONG, { members: true })).members).toEqual([]);
    expect(await broadcast.leave('t', 'short')).toBe(false);
    expect(await broadcast.join('t', { id: 'short', info: '{}' }, 60_000)).toEqual({
      cursor: cursors[0],
      joined: true,
    });
    expect((await broadcast.members('t')).map((one) => one.id)).toEqual(['long', 'short']);
  });

  add(
    'whoever joins while others append is listed and sees, or joins behind',
    async ({ kit, backend: { broadcast } }) => {
      const other = (await kit.open()).broadcast;
      const ids = Array.from({ length: 30 }, (_, at) => `m${String(at).padStart(2, '0')}`);
      const work = ids.map(async (id) => {
        const [appended, joined] = await Promise.all([
          broadcast.append('t', said(id), LONG, { members: true }),
          other.join('t', { id, info: '{}' }, 60_000),
        ]);
        return { id, appended, joined };
      });
      const done = await Promise.all(work);
      const sequence = (cursor = '') => Number(cursor.split('-')[1]);
      for (const { appended } of done) {
        const listed = new Set(appended.members.map((member) => member.id));
        for (const { id, joined } of done) {
          expect(listed.has(id)).toBe(sequence(joined.cursor) < sequence(appended.cursors[0]));
        }
      }
    },
  );
}
