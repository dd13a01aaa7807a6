import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerRead, formatCursor, type LogEntry, parseCursor } from '../src/broadcast-cursor.ts';

const entriesOf = (from: number, to: number): LogEntry[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => ({ sequence: from + at, data: `${from + at}`, at: 1 }));

describe('cursors', () => {
  it('come back as they were, without leading zeros', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (incarnation, sequence) => {
        expect(parseCursor(formatCursor({ incarnation, sequence }))).toEqual({ incarnation, sequence });
      }),
    );
    expect(formatCursor(parseCursor('0007-01'))).toBe('7-1');
  });

  it('are INVALID when they are anything else', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !/^\d{1,15}-\d{1,15}$/.test(text)),
        (text) => {
          expect(() => parseCursor(text)).toThrow(expect.objectContaining({ code: 'INVALID' }));
        },
      ),
    );
  });

  it('never lead past a message that was not answered, unless a gap is told', () => {
    const log = fc.record({ first: fc.integer({ min: 1, max: 9 }), last: fc.integer({ min: 0, max: 12 }) });
    const after = fc.record({ same: fc.boolean(), sequence: fc.nat({ max: 14 }) });
    fc.assert(
      fc.property(log, after, fc.integer({ min: 1, max: 5 }), ({ first, last }, { same, sequence }, limit) => {
        const end = { incarnation: 5, sequence: last };
        const from = formatCursor({ incarnation: same ? 5 : 4, sequence });
        const entries = entriesOf(Math.max(first, same ? sequence + 1 : 1), last).slice(0, limit);
        const read = answerRead(from, end, entries, 9);
        const [next] = entries;
        const contiguous = same && (next ? next.sequence === sequence + 1 : sequence === last);
        expect(read.gap).toBe(!contiguous);
        expect(read.more).toBe(entries.length > 0 && entries.at(-1)?.sequence !== last);
        expect(parseCursor(read.cursor)).toEqual({ incarnation: 5, sequence: entries.at(-1)?.sequence ?? last });
      }),
    );
  });
});
