import type { Runtime } from '@portolan/core';
import type { Engine } from './engine.ts';
import type { Signals } from './signals.ts';

/** What each port's factory gets. */
export interface SqliteContext {
  readonly runtime: Runtime;
  readonly engine: Engine;
  readonly signals: Signals;
  /** Stands for the namespace's name in every table. */
  readonly namespace: number;
  /** The store's clock: all processes of one file share a machine, hence a clock. */
  now(): number;
  /** Registers a small bounded sweep: at most `limit` rows in one write, answering how many, or `limit` when it left some. One process of all runs them, every few seconds. */
  onSweep(sweep: (limit: number) => number): void;
  onClose(end: () => void): void;
}
