import { ageOf, type CacheEntry, decodeEntry, encodeEntry, windowOf } from './cache-entry.ts';
import { epochsOf, type LoadedEntry, validEntry } from './cache-store.ts';
import { contentVersion } from './content-version.ts';
import { PortolanError } from './errors.ts';
import type { CachePort } from './ports/cache.ts';
import type { Runtime } from './runtime.ts';
import { encodeJson } from './schema.ts';

export interface FactoryContext<T> {
  /** Aborts at the deadline. */
  readonly signal: AbortSignal;
  /** The valid value that is being replaced, however old: for a conditional request. */
  readonly previous?: { readonly value: T; readonly ageMs: number };
}

export type Factory<T> = (context: FactoryContext<T>) => Promise<T>;

export interface FillParts {
  readonly port: CachePort;
  readonly runtime: Runtime;
  /** ms that others wait for one that fills. */
  readonly leaseMs: number;
  readonly maxEntryBytes: number;
  /** Tells the log that the store failed and the cache did without it. */
  readonly warn: (step: string, error: unknown) => void;
}

export interface FillTask {
  readonly key: string;
  readonly tags: readonly string[];
  readonly freshMs: number;
  readonly staleMs: number;
  readonly ifErrorMs: number;
  readonly timeoutMs: number;
  /** Take over from whoever fills now, and run the factory whatever entry is there. */
  readonly refresh: boolean;
  readonly factory: Factory<unknown>;
}

/** How a run ended: a value of the factory, or an entry that another process filled meanwhile. */
export type Filled =
  | { readonly status: 'MISS'; readonly valueText: string }
  | { readonly status: 'HIT'; readonly text: string };

type Turn = { readonly lease: string; readonly epochs: ReadonlyMap<string, string | null> } | { readonly text: string };

const POLL_MS = { first: 25, most: 200 };

/**
 * One run for one key: takes the lease (or waits for the process that has it), runs the factory, fills. Of the store's failures
 * none surfaces: the factory runs without it. What does surface is the factory's own error, TIMEOUT, and INVALID for a value that is not JSON.
 */
export async function fillOnce(parts: FillParts, task: FillTask, loaded: LoadedEntry | undefined): Promise<Filled> {
  const { port, runtime, warn } = parts;
  let turn: Turn | undefined;
  try {
    turn = loaded && (await takeTurn(parts, task, loaded.text));
  } catch (error) {
    warn('acquire', error);
  }
  if (turn && 'text' in turn) return { status: 'HIT', text: turn.text };
  try {
    // Parsed anew: the caller may hold the other object by now.
    const previous = loaded?.entry && loaded.text !== null ? decodeEntry(loaded.text) : undefined;
    const value = await runFactory(runtime, task, previous);
    const valueText = encodeJson(value, `the value of cache key ${task.key}`);
    if (turn) await store(parts, task, turn, valueText);
    return { status: 'MISS', valueText };
  } catch (error) {
    if (turn) await port.release(task.key, turn.lease).catch((failure: unknown) => warn('release', failure));
    throw error;
  }
}

/**
 * Waits for the lease, or for an entry that another process fills. The lease in the store outlives the factory's deadline, so a
 * filler that is alive is not fenced for being slow. Others take over (efficiency, not correctness) when they waited for `leaseMs`, or
 * when the lease is that old, so that who comes after a filler that died waits for no more than the rest.
 */
async function takeTurn(parts: FillParts, task: FillTask, seenText: string | null): Promise<Turn> {
  const { port, runtime, leaseMs } = parts;
  const { key, tags } = task;
  const lease = runtime.id();
  const started = runtime.clock.now();
  let seen = seenText === null ? null : contentVersion(seenText);
  let old = false;
  for (let pollMs = POLL_MS.first; ; pollMs = Math.min(pollMs * 2, POLL_MS.most)) {
    const waited = runtime.clock.now() - started;
    const force = task.refresh || old || waited >= leaseMs;
    const want = { seen, lease, leaseMs: task.timeoutMs + leaseMs, tags, force };
    const { granted, entry: text, epochs, waitMs } = await port.acquire(key, want);
    const known = epochsOf(tags, epochs);
    if (granted) return { lease, epochs: known };
    if (text !== null) {
      const entry = await validEntry(port, text, tags, known);
      const window = entry ? windowOf(entry, runtime.clock.now()) : 'over';
      if (window === 'fresh' || window === 'stale') return { text };
      seen = contentVersion(text);
    } else {
      // What a lease has left when it is `leaseMs` old; a guess where its holder has another timeout.
      old = waitMs <= task.timeoutMs;
      if (old) continue;
      const jittered = pollMs * (0.5 + Math.random() / 2);
      await runtime.sleep(Math.max(1, Math.min(jittered, waitMs, leaseMs - waited)));
    }
  }
}

async function runFactory(runtime: Runtime, task: FillTask, entry: CacheEntry | undefined): Promise<unknown> {
  const deadline = new AbortController();
  const done = new AbortController();
  const previous = entry && { value: entry.value, ageMs: ageOf(entry, runtime.clock.now()) };
  const context = { signal: deadline.signal, ...(previous ? { previous } : {}) };
  const late = runtime.sleep(task.timeoutMs, done.signal).then(() => {
    if (done.signal.aborted) return;
    const error = new PortolanError('TIMEOUT', `cache key ${task.key}: no value within ${task.timeoutMs} ms`);
    deadline.abort(error);
    throw error;
  });
  try {
    return await Promise.race([(async () => task.factory(context))(), late]);
  } finally {
    done.abort();
  }
}

/** Fills under the lease. A refused fill (dropped or taken over meanwhile) and a failing store leave the caller its value. */
async function store(
  { port, runtime, maxEntryBytes, warn }: FillParts,
  { key, freshMs, staleMs, ifErrorMs }: FillTask,
  { lease, epochs }: Extract<Turn, { lease: string }>,
  valueText: string,
): Promise<void> {
  const filledAt = runtime.clock.now();
  const freshUntil = filledAt + freshMs;
  const staleUntil = freshUntil + staleMs;
  const expiresAt = staleUntil + ifErrorMs;
  const tags = Object.fromEntries([...epochs].map(([tag, epoch]) => [tag, epoch ?? '']));
  const text = encodeEntry({ filledAt, freshUntil, staleUntil, expiresAt, tags }, valueText);
  const size = Buffer.byteLength(text);
  try {
    if (size > maxEntryBytes) {
      runtime.logger.warn({ key, size, maxEntryBytes }, 'cache entry is too large to be stored');
      await port.release(key, lease);
    } else if (!(await port.fill(key, lease, text, expiresAt - filledAt))) {
      runtime.logger.debug({ key }, 'cache fill refused: the key was dropped or taken over meanwhile');
    }
  } catch (error) {
    warn('fill', error);
  }
}

/** The answer of a run, parsed for this caller alone: callers who share a run do not share objects. */
export function answerOf(filled: Filled, now: number): { value: unknown; status: 'HIT' | 'MISS'; ageMs: number } {
  if (filled.status === 'MISS') return { value: JSON.parse(filled.valueText), status: 'MISS', ageMs: 0 };
  const entry = decodeEntry(filled.text) as CacheEntry;
  return { value: entry.value, status: 'HIT', ageMs: ageOf(entry, now) };
}
