import { createManualRuntime } from '@portolan/testkit';
import type { SqliteContext } from '../src/context.ts';
import { Engine } from '../src/engine.ts';
import { Signals } from '../src/signals.ts';
import { temporaryFile } from './process-kit.ts';

/** One port's context on a file of its own, with time that stands still and sweeps that run when told. */
export function openPortKit() {
  const runtime = createManualRuntime();
  const engine = new Engine({ path: temporaryFile(), synchronous: 'normal' }, runtime, 5_000);
  const sweeps: ((limit: number) => number)[] = [];
  const texts = new Set<string>();
  const sql = engine.sql.bind(engine);
  engine.sql = (text) => {
    texts.add(text);
    return sql(text);
  };
  const context = (namespace: number): SqliteContext => ({
    runtime,
    engine,
    signals: new Signals(engine, namespace),
    namespace,
    now: () => runtime.clock.now(),
    onSweep: (sweep) => void sweeps.push(sweep),
    onClose: () => undefined,
  });
  return {
    runtime,
    engine,
    context,
    rows: (table: string) => Number(sql(`SELECT count(*) AS n FROM ${table}`).get()?.n),
    /** Every sweep until it has nothing left; answers how many steps that took. */
    async sweepAll(limit: number): Promise<number> {
      let steps = 0;
      for (const sweep of sweeps) {
        do steps += 1;
        while ((await engine.write(() => sweep(limit))) >= limit);
      }
      return steps;
    },
    /** How SQLite runs each statement that was used: its text, its program, its plan. */
    plans: () =>
      [...texts].map((text) => ({
        text,
        /** The instructions of its program. One that compares two values within a range of an index reads rows to leave them out. */
        program: sql(`EXPLAIN ${text}`)
          .all()
          .map((row) => String(row.opcode)),
        plan: sql(`EXPLAIN QUERY PLAN ${text}`)
          .all()
          .map((row) => String(row.detail))
          .join('; '),
      })),
  };
}
