import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { invalid } from '@portolan/core';

/** How hard a commit is pressed to the disk. */
export type Synchronous = 'normal' | 'full';

export interface Location {
  /** Absolute. */
  readonly path: string;
  readonly synchronous: Synchronous;
}

const EXAMPLE = 'as in sqlite:.data/portolan.db';

/**
 * `sqlite:PATH[?synchronous=full]`, the path relative to the working directory or absolute (`sqlite:///PATH` too), percent-decoded. `normal` (if not said): what
 * was acknowledged survives the end of every process, a power cut may take the last moments. `full`: it survives that too, at an fsync per commit.
 */
export function parseLocation(url: string): Location {
  const [, named = '', query = ''] = /^sqlite:([^?]*)(?:\?(.*))?$/is.exec(url) ?? [];
  const path = decode(named);
  if (path === '' || path.includes('\0') || /[\\/]$/.test(path)) {
    throw invalid(`backend URL: sqlite: needs the name of a file, ${EXAMPLE}`);
  }
  if (path.startsWith(':memory:')) {
    throw invalid(`backend URL: sqlite: needs a file, ${EXAMPLE} (memory: is the store without one)`);
  }
  if (/^\/\/[^/]/.test(path)) {
    throw invalid(`backend URL: sqlite://NAME would be a host: write the path after the colon, ${EXAMPLE}`);
  }
  return { path: resolve(path.replace(/^\/\/+/, '/')), synchronous: parseSynchronous(new URLSearchParams(query)) };
}

/** One name of a file that has several by links, even if only its folder is there. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {}
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

function parseSynchronous(parameters: URLSearchParams): Synchronous {
  for (const name of parameters.keys()) {
    if (name !== 'synchronous') throw invalid(`backend URL: sqlite: knows no parameter ${name}; known is synchronous`);
  }
  const [synchronous = 'normal', ...more] = parameters.getAll('synchronous');
  if (more.length > 0 || (synchronous !== 'normal' && synchronous !== 'full')) {
    throw invalid('backend URL: synchronous is normal or full, as in sqlite:portolan.db?synchronous=full');
  }
  return synchronous;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid('backend URL: a percent sign in the path is written %25');
  }
}
