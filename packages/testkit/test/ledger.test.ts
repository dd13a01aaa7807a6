import { describe, expect, it } from 'vitest';
import { auditLedger, type Ledger, type LedgerLine } from '../src/ledger/ledger.ts';

const begin = (id: string, run: string, at: number): LedgerLine => ({ what: 'begin', id, run, at });
const completed = (id: string, run: string, at: number): LedgerLine => ({ what: 'completed', id, run, at });
const lost = (id: string, run: string, at: number): LedgerLine => ({ what: 'lost', id, run, at });

function audit(workers: Record<string, readonly LedgerLine[]>, more: Partial<Ledger> = {}): string[] {
  return auditLedger({
    acknowledged: ['j'],
    workers: new Map(Object.entries(workers)),
    faults: [],
    kept: new Map([['j', { state: 'completed', run: 'a/1' }]]),
    ...more,
  });
}

const twice = { a: [begin('j', 'a/1', 10), completed('j', 'a/1', 40)], b: [begin('j', 'b/1', 5)] };

describe('the audit of a ledger', () => {
  it('finds nothing where each job ran once and completed', () => {
    expect(audit({ a: [begin('j', 'a/1', 10), completed('j', 'a/1', 20)] })).toEqual([]);
  });

  it('finds an acknowledged job that did not complete, or is not there', () => {
    const kept = new Map([['k', { state: 'active', run: undefined }]]);
    expect(audit({}, { acknowledged: ['j', 'k'], kept })).toEqual([
      'j: acknowledged, and in the end unknown',
      'k: acknowledged, and in the end active',
    ]);
  });

  it('finds a job that ran twice without a fault, and excuses the run of a worker that met one', () => {
    expect(audit(twice)).toEqual([expect.stringContaining('ran 2 times without a fault')]);
    expect(audit(twice, { faults: [{ worker: 'b', from: 6, to: 7 }] })).toEqual([]);
    expect(audit(twice, { faults: [{ worker: '*', from: 6, to: 7 }] })).toEqual([]);
    expect(audit(twice, { faults: [{ worker: 'c', from: 6, to: 7 }] })).toHaveLength(1);
    expect(audit({ ...twice, b: [...twice.b, { what: 'still', id: '-', run: '6', at: 8 }] })).toEqual([]);
  });

  it('does not excuse a run that the store had confirmed before the fault', () => {
    const workers = { a: [begin('j', 'a/1', 10), completed('j', 'a/1', 40)], b: [begin('j', 'b/1', 50)] };
    expect(audit(workers, { faults: [{ worker: 'a', from: 41, to: 42 }] })).toHaveLength(1);
  });

  it('finds a result that was accepted without a lease, or is not that of the confirmed run', () => {
    const faults = [{ worker: '*', from: 0, to: 100 }];
    const refused = { a: [begin('j', 'a/1', 10), lost('j', 'a/1', 40)] };
    expect(audit(refused, { faults })).toEqual([expect.stringContaining('accepted without a lease')]);
    const other = { b: [begin('j', 'b/1', 10), completed('j', 'b/1', 40)], a: [begin('j', 'a/1', 5)] };
    expect(audit(other, { faults })).toEqual([expect.stringContaining('b/1 was confirmed, the result kept is of a/1')]);
    expect(audit({ b: [begin('j', 'b/1', 10)] }, { faults })).toEqual([expect.stringContaining('which never began')]);
  });
});
