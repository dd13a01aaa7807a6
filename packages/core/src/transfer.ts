import type { Backend } from './backend.ts';
import { invalid, PortolanError } from './errors.ts';
import { TRANSFER_PARTS, type TransferPage, type TransferPart } from './ports/transfer.ts';
import type { Runtime } from './runtime.ts';
import { heldParts, inspectBackend, transferOf } from './transfer-inspect.ts';

/** Where a copy notes how far it is, so that one that was killed goes on. `save` must replace the text as a whole or not at all. */
export interface CopyState {
  /** What was saved last; null for a new copy. */
  load(): string | null;
  save(text: string): void;
}

export interface CopyProgress {
  readonly phase: 'copy' | 'verify';
  readonly part: TransferPart;
  /** Records so far, of about so many. */
  readonly records: number;
  readonly total: number;
}

export interface CopyOptions {
  readonly from: Backend;
  readonly to: Backend;
  readonly runtime: Runtime;
  /** All, unless told. */
  readonly parts?: readonly TransferPart[];
  readonly state?: CopyState;
  /** A new copy (one without a saved state) goes into a target that holds something already: false unless told, and then CONFLICT, before anything is written. */
  readonly intoExisting?: boolean;
  readonly onProgress?: (progress: CopyProgress) => void;
  /** Stops between two pages with CANCELLED; the state is good to go on from. */
  readonly signal?: AbortSignal;
  /** Records per page, 1 to 1,000. 500 unless told. */
  readonly pageSize?: number;
}

export interface CopiedPart {
  readonly part: TransferPart;
  /** Records loaded, in this run and those it went on from. */
  readonly loaded: number;
  /** Of both sides, as in `PartInspection`. */
  readonly from: { readonly records: number; readonly sha256: string };
  readonly to: { readonly records: number; readonly sha256: string };
  readonly equal: boolean;
}

const ATTEMPTS = 6;
const RETRY_MS = 200;
/** How long, at first, what is compared must still live; longer when the comparison takes longer. */
const STABLE_MS = 60_000;

/**
 * Copies everything one backend holds into another, in pages, then compares both by counts and digests. What a killed copy had loaded stays, and a
 * copy with the same state goes on behind it. Reads the next page while the last one is loaded. Trouble that may pass is tried again for some seconds.
 *
 * The answer tells for each part whether both sides are equal. A part that is not is copied anew by the next copy with this state, which helps where the target
 * lacked something; what it has beyond the source stays.
 */
export async function copyBackend(options: CopyOptions): Promise<CopiedPart[]> {
  const { parts = TRANSFER_PARTS, state, runtime } = options;
  const noted = readNotes(state?.load() ?? null);
  const notes = noted && (await isOfTarget(options, noted)) ? noted : {};
  const save = () => state?.save(JSON.stringify(notes));
  if (notes !== noted) {
    if (!options.intoExisting) await refuseHeld(options, parts);
    // From here on, what the target holds is of this copy.
    save();
  }
  for (const part of parts) {
    const note = notes[part] ?? { cursor: null, loaded: 0, done: false };
    notes[part] = note;
    if (!note.done) await copyPart(options, part, note, save);
  }
  const copied: CopiedPart[] = [];
  for (const part of parts) {
    const { from, to } = await comparePart(options, part, STABLE_MS);
    const equal = from.records === to.records && from.sha256 === to.sha256;
    copied.push({ part, loaded: notes[part]?.loaded ?? 0, from, to, equal });
    if (!equal) delete notes[part];
  }
  save();
  runtime.logger.debug({ parts: parts.length }, 'copied and compared');
  return copied;
}

/** False for a target that holds nothing of what was copied: it was made anew since. */
async function isOfTarget({ to, runtime, signal }: CopyOptions, notes: Notes): Promise<boolean> {
  const copied = TRANSFER_PARTS.filter((part) => (notes[part]?.loaded ?? 0) > 0);
  return copied.length === 0 || (await persist(runtime, signal, () => heldParts(to, copied))).length > 0;
}

/** What the target holds beyond the source would stay there, and the two would differ at the end. */
async function refuseHeld({ to, runtime, signal }: CopyOptions, parts: readonly TransferPart[]): Promise<void> {
  const held = await persist(runtime, signal, () => heldParts(to, parts));
  if (held.length === 0) return;
  throw new PortolanError(
    'CONFLICT',
    `copy: the target holds something already (${held.join(', ')}): take an empty one, or say that it may (--into-existing)`,
  );
}

interface Note {
  cursor: string | null;
  loaded: number;
  done: boolean;
}

type Notes = Partial<Record<TransferPart, Note>>;

/** Throws INVALID for a text that no copy saved. */
function readNotes(text: string | null): Notes | null {
  if (text === null) return null;
  try {
    const found: unknown = JSON.parse(text);
    const good =
      typeof found === 'object' &&
      found !== null &&
      !Array.isArray(found) &&
      Object.entries(found).every(
        ([part, note]) =>
          TRANSFER_PARTS.some((one) => one === part) &&
          (note.cursor === null || typeof note.cursor === 'string') &&
          Number.isSafeInteger(note.loaded) &&
          typeof note.done === 'boolean',
      );
    if (good) return found;
  } catch {
    // Told below.
  }
  throw invalid('copy state: not what a copy saved');
}

async function copyPart(options: CopyOptions, part: TransferPart, note: Note, save: () => void): Promise<void> {
  const { runtime, onProgress, signal, pageSize = 500 } = options;
  const from = transferOf(options.from);
  const to = transferOf(options.to);
  const attempt = <T>(work: () => Promise<T>): Promise<T> => persist(runtime, signal, work);
  const total = await attempt(() => from.count(part));
  const tell = () => onProgress?.({ phase: 'copy', part, records: note.loaded, total: Math.max(total, note.loaded) });
  tell();
  let next: Promise<TransferPage> | null = attempt(() => from.dump(part, note.cursor, pageSize));
  while (next) {
    const page: TransferPage = await next;
    const { cursor } = page;
    next = cursor === null ? null : attempt(() => from.dump(part, cursor, pageSize));
    // Awaited in the next round; a failure before that is no unhandled one.
    next?.catch(() => undefined);
    if (page.records.length > 0) await attempt(() => to.load(page.records));
    note.cursor = cursor;
    note.loaded += page.records.length;
    note.done = cursor === null;
    save();
    tell();
  }
}

/** Both sides of a part as of one horizon. A comparison that outlasts it, so that something may have expired meanwhile, is made again with a farther one. */
async function comparePart(
  options: CopyOptions,
  part: TransferPart,
  stableMs: number,
): Promise<Pick<CopiedPart, 'from' | 'to'>> {
  const { runtime, onProgress, signal, pageSize = 500 } = options;
  const started = runtime.clock.now();
  const stableUntil = started + stableMs;
  const total = await transferOf(options.from).count(part);
  const inspect = async (backend: Backend, tell: boolean) => {
    const [found] = await inspectBackend(backend, {
      runtime,
      parts: [part],
      stableUntil,
      pageSize,
      ...(signal ? { signal } : {}),
      ...(tell && onProgress
        ? {
            onProgress: (_: TransferPart, records: number) =>
              onProgress({ phase: 'verify', part, records, total: Math.max(total, records) }),
          }
        : {}),
    });
    return found?.digest ?? { records: 0, sha256: '' };
  };
  const [from, to] = await persist(runtime, signal, () =>
    Promise.all([inspect(options.from, true), inspect(options.to, false)]),
  );
  const took = runtime.clock.now() - started;
  return took < stableMs ? { from, to } : comparePart(options, part, took * 2);
}

/** Dumps and loads are repeatable, so what may succeed later is tried again. */
async function persist<T>(runtime: Runtime, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    if (signal?.aborted) throw new PortolanError('CANCELLED', 'the copy was stopped');
    try {
      return await work();
    } catch (error) {
      if (!PortolanError.is(error) || !error.retryable || attempt === ATTEMPTS) throw error;
      await runtime.sleep(RETRY_MS * 2 ** attempt, signal);
    }
  }
}
