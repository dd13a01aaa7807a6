/** What an adapter asks of SQLite, so that plain `node:sqlite` can be asked for the same. */
import { DatabaseSync, type SQLInputValue, StatementSync } from 'node:sqlite';

type Method = 'run' | 'get' | 'all' | 'iterate';

export interface Recorded {
  readonly method: Method;
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
  /** Its rows came as arrays. */
  readonly arrays: boolean;
  /** Of an iteration: how many times it was asked for the next row. */
  steps: number;
}

export interface Recording {
  /** In their order. */
  readonly calls: readonly Recorded[];
  stop(): void;
}

/** Records what every connection of this process runs by prepared statements from now on. */
export function record(): Recording {
  const calls: Recorded[] = [];
  const statements = StatementSync.prototype;
  const { run, get, all, iterate, setReturnArrays } = statements;
  const arrays = arraysOf;
  const note = (statement: StatementSync, method: Method, values: readonly SQLInputValue[]): Recorded => {
    const call = { method, sql: statement.sourceSQL, values, arrays: arrays.has(statement), steps: 0 };
    calls.push(call);
    return call;
  };
  const wrap = (method: 'run' | 'get' | 'all', original: unknown) =>
    Object.assign(statements, {
      [method](this: StatementSync, ...values: SQLInputValue[]) {
        note(this, method, values);
        return (original as (...values: SQLInputValue[]) => unknown).apply(this, values);
      },
    });
  wrap('run', run);
  wrap('get', get);
  wrap('all', all);
  Object.assign(statements, {
    *iterate(this: StatementSync, ...values: SQLInputValue[]) {
      const call = note(this, 'iterate', values);
      call.steps = 1;
      for (const row of (iterate as (...values: SQLInputValue[]) => Iterable<unknown>).apply(this, values)) {
        yield row;
        call.steps += 1;
      }
    },
  });
  return { calls, stop: () => void Object.assign(statements, { run, get, all, iterate, setReturnArrays }) };
}

const arraysOf = new WeakSet<StatementSync>();
const settings: string[] = [];

/** Notes how connections are set up from now on; to be called before the adapter opens its file. */
export function watchConnections(): void {
  const { setReturnArrays } = StatementSync.prototype;
  StatementSync.prototype.setReturnArrays = function (enabled) {
    if (enabled) arraysOf.add(this);
    setReturnArrays.call(this, enabled);
  };
  const { exec } = DatabaseSync.prototype;
  DatabaseSync.prototype.exec = function (sql) {
    if (/^\s*PRAGMA synchronous/.test(sql)) settings.push(sql);
    exec.call(this, sql);
  };
}

/** A plain connection that is set up as the adapter's was. */
export function openPlain(path: string): DatabaseSync {
  const database = new DatabaseSync(path);
  const last = settings.at(-1);
  if (last === undefined) throw new Error('it is not known how the adapter sets up its connection');
  database.exec(last);
  return database;
}

/** Runs recorded calls on a connection, each statement prepared once. */
export class Player {
  readonly #database: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  play(calls: readonly Recorded[]): void {
    for (const { method, sql, values, arrays, steps } of calls) {
      const statement = this.#prepare(sql, arrays);
      if (method !== 'iterate') statement[method](...values);
      else {
        const rows = statement.iterate(...values);
        for (let step = 0; step < steps; step += 1) rows.next();
        rows.return?.();
      }
    }
  }

  #prepare(sql: string, arrays: boolean): StatementSync {
    const key = arrays ? `${sql}\0` : sql;
    let statement = this.#prepared.get(key);
    if (!statement) {
      statement = this.#database.prepare(sql);
      if (arrays) statement.setReturnArrays(true);
      this.#prepared.set(key, statement);
    }
    return statement;
  }
}
