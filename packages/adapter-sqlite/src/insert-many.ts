import type { SQLInputValue } from 'node:sqlite';
import type { Engine } from './engine.ts';

/** Rows per statement. A call costs as much as the row it writes; more rows than this save little more. */
const ROWS = 10;

/** The texts of an INSERT of one row and of ten; `into` is `TABLE (COLUMN, …)`. */
export class InsertMany {
  readonly #width: number;
  readonly #one: string;
  readonly #ten: string;

  constructor(into: string) {
    this.#width = into.split(',').length;
    const row = `(${Array(this.#width).fill('?').join(', ')})`;
    this.#one = `INSERT INTO ${into} VALUES ${row}`;
    this.#ten = `INSERT INTO ${into} VALUES ${Array(ROWS).fill(row).join(', ')}`;
  }

  /** `values`: of all rows, one row after the other. */
  run(engine: Engine, values: readonly SQLInputValue[]): void {
    const ten = ROWS * this.#width;
    let at = 0;
    for (; at + ten <= values.length; at += ten) engine.sql(this.#ten).run(...values.slice(at, at + ten));
    for (; at < values.length; at += this.#width) engine.sql(this.#one).run(...values.slice(at, at + this.#width));
  }
}
