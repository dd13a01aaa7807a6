import type { CounterAdd, CounterAdded } from './ports/counter.ts';

/**
 * One add to a counter that stands at `value`, for adapters that count in JavaScript (memory, SQLite); the Redis adapter says the same in Lua. Null when
 * it is rejected: the counter and its TTL stay as they are.
 */
export function stepCounter(
  value: number,
  { by, min, max, onBound }: Pick<CounterAdd, 'by' | 'min' | 'max' | 'onBound'>,
): CounterAdded | null {
  // A sum beyond the safe integers may be rounded, but stays beyond them, and so beyond `min` and `max`.
  const wanted = value + by;
  const bounded = by > 0 ? Math.max(value, Math.min(wanted, max)) : Math.min(value, Math.max(wanted, min));
  const next = by === 0 ? value : bounded;
  if (next !== wanted && onBound === 'reject') return null;
  return { value: next, applied: next - value };
}
