import {
  type CommitResult,
  contentVersion,
  decodeCursor,
  encodeCursor,
  globMatcher,
  type KeyCheck,
  type KeyInfo,
  type KeyOp,
  type KeyPage,
  type KeyScan,
  type KeyValuePort,
  PortolanError,
  type StoredValue,
  type ValueForm,
  type ValueOf,
} from '@portolan/core';
import type { MemoryContext } from './hub.ts';

type Content =
  | { readonly kind: 'value'; readonly value: string | Uint8Array }
  | { readonly kind: 'fields'; readonly fields: ReadonlyMap<string, string> };
export type HeldKey = Content & { readonly expiresAt: number | null };

/** HeldKey keys are immutable: a write puts a new one, so a commit that fails midway just drops its draft. */
export type KeyValueState = Map<string, HeldKey>;

/** How many keys each commit looks at to drop expired ones, so that what nobody reads again does not stay. */
const SWEEP = 4;

export function memoryKeyValue(context: MemoryContext): KeyValuePort {
  const state: KeyValueState = context.hub.state(context.namespace, 'key-value', () => new Map());
  const now = () => context.hub.clock.now();
  let sweeping = state.entries();

  const isLive = (held: HeldKey) => held.expiresAt === null || held.expiresAt > now();
  function live(key: string): HeldKey | undefined {
    const held = state.get(key);
    return held && isLive(held) ? held : undefined;
  }

  function sweep(): void {
    for (let seen = 0; seen < SWEEP; seen++) {
      const { value: entry, done } = sweeping.next();
      if (done) {
        sweeping = state.entries();
        return;
      }
      if (!isLive(entry[1])) state.delete(entry[0]);
    }
  }

  return {
    async read<F extends ValueForm>(keys: readonly string[], want: { readonly as: F; readonly expiry?: boolean }) {
      context.open();
      return keys.map((key): StoredValue<F> | null => {
        const held = live(key);
        if (held?.kind !== 'value') return null;
        const value = inForm(held.value, want.as);
        return want.expiry ? { value, expiresAt: held.expiresAt } : { value };
      });
    },

    async readFields(key, fields) {
      context.open();
      const held = live(key);
      if (!held) return null;
      const all = fieldsOf(held);
      const wanted = fields ? fields.filter((field) => all.has(field)) : [...all.keys()];
      return Object.fromEntries(wanted.map((field) => [field, all.get(field) as string]));
    },

    async commit(checks, ops): Promise<CommitResult> {
      context.open();
      const failed = checks.findIndex((check) => !holds(check, live(check.key)));
      if (failed >= 0) return { ok: false, failed };
      const draft = new Map<string, HeldKey | undefined>();
      const counts = ops.map((op) => {
        const current = draft.has(op.key) ? draft.get(op.key) : live(op.key);
        const { next, count } = apply(op, current);
        draft.set(op.key, next && isLive(next) ? next : undefined);
        return count;
      });
      for (const [key, held] of draft) {
        if (held) state.set(key, held);
        else state.delete(key);
      }
      sweep();
      return { ok: true, counts };
    },

    async scan({ match, cursor, limit }: KeyScan): Promise<KeyPage> {
      context.open();
      const after =
        cursor === null ? '' : decodeCursor(cursor, (content) => (typeof content === 'string' ? content : undefined));
      const matches = globMatcher(match);
      const found = [...state].filter(([key, held]) => key > after && isLive(held) && matches(key));
      found.sort(([a], [b]) => (a < b ? -1 : 1));
      const items = found.slice(0, limit).map(([key, held]) => describe(key, held));
      return { items, cursor: found.length > limit ? encodeCursor(items.at(-1)?.key) : null };
    },
  };
}

function conflict(): PortolanError {
  return new PortolanError('CONFLICT', 'the key holds another kind of data');
}

function fieldsOf(held: HeldKey | undefined): ReadonlyMap<string, string> {
  if (held?.kind === 'value') throw conflict();
  return held?.fields ?? new Map();
}

/** The bytes are copied, so nobody changes what is stored. */
function inForm<F extends ValueForm>(value: string | Uint8Array, form: F): ValueOf<F> {
  const converted =
    form === 'bytes'
      ? new Uint8Array(Buffer.from(value))
      : typeof value === 'string'
        ? value
        : Buffer.from(value).toString();
  return converted as ValueOf<F>;
}

function holds(check: KeyCheck, held: HeldKey | undefined): boolean {
  if (check.is === 'absent') return !held;
  if (check.is === 'present') return held !== undefined;
  return held?.kind === 'value' && contentVersion(held.value) === check.is.version;
}

function apply(
  op: KeyOp,
  current: HeldKey | undefined,
): { readonly next: HeldKey | undefined; readonly count: number } {
  const present = current ? 1 : 0;
  switch (op.op) {
    case 'set': {
      const value = typeof op.value === 'string' ? op.value : Uint8Array.from(op.value);
      return { next: { kind: 'value', value, expiresAt: expiry(op.expiresAt, current) }, count: 1 };
    }
    case 'delete':
      return { next: undefined, count: present };
    case 'touch':
      return { next: current && { ...current, expiresAt: op.expiresAt }, count: present };
    case 'setFields': {
      const before = fieldsOf(current);
      const fields = new Map([...before, ...Object.entries(op.fields)]);
      const next: HeldKey = { kind: 'fields', fields, expiresAt: expiry(op.expiresAt, current) };
      return { next, count: fields.size - before.size };
    }
    case 'deleteFields': {
      const before = fieldsOf(current);
      const fields = new Map(before);
      for (const field of op.fields) fields.delete(field);
      const next =
        current && fields.size > 0 ? { kind: 'fields' as const, fields, expiresAt: current.expiresAt } : undefined;
      return { next, count: before.size - fields.size };
    }
  }
}

const expiry = (wanted: number | null | 'keep', current: HeldKey | undefined): number | null =>
  wanted === 'keep' ? (current?.expiresAt ?? null) : wanted;

function describe(key: string, held: HeldKey): KeyInfo {
  const size =
    held.kind === 'fields'
      ? held.fields.size
      : typeof held.value === 'string'
        ? Buffer.byteLength(held.value)
        : held.value.length;
  return { key, type: held.kind, expiresAt: held.expiresAt, size };
}
