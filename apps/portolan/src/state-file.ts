import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CopyState, invalid } from '@portolan/core';
import type { CopyCommand } from './arguments.ts';
import { shownUrl } from './urls.ts';

export interface StateFile extends CopyState {
  readonly path: string;
  remove(): void;
}

/** What a copy notes, in a file that is replaced as a whole. Throws INVALID for a file of another copy. Without a name: one under `.data/` that follows from the copy. */
export function stateFile({ from, to, namespace, parts, stateFile: named }: CopyCommand): StateFile {
  const copy = { from: shownUrl(from), to: shownUrl(to), namespace, parts };
  const digest = createHash('sha256').update(JSON.stringify(copy)).digest('hex').slice(0, 12);
  const path = named ?? join('.data', `copy-${digest}.json`);
  return {
    path,
    load() {
      const text = readIfThere(path);
      if (text === undefined) return null;
      const found = parse(text);
      if (!found) throw invalid(`state file ${path}: not what a copy writes; remove it to begin anew`);
      if (JSON.stringify(found.copy) !== JSON.stringify(copy)) {
        throw invalid(`state file ${path}: of a copy of other stores or parts; name another with --state`);
      }
      return found.notes;
    },
    save(notes) {
      mkdirSync(dirname(path), { recursive: true });
      const next = `${path}.next`;
      // Not forced to the disk at every page: after a power cut the copy may have to begin anew.
      writeFileSync(next, JSON.stringify({ copy, notes }));
      renameSync(next, path);
    },
    remove: () => rmSync(path, { force: true }),
  };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw invalid(`state file ${path}: cannot be read`);
  }
}

function parse(text: string): { readonly copy: unknown; readonly notes: string } | undefined {
  try {
    const found = JSON.parse(text) as { copy?: unknown; notes?: unknown };
    return typeof found.notes === 'string' ? { copy: found.copy, notes: found.notes } : undefined;
  } catch {
    return undefined;
  }
}
