import { readlinkSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { invalid } from '@portolan/core';

/** How hard a commit is pressed to the disk. */
export type Synchronous = 'normal' | 'full';

export interface Location {
  /** Absolute and without links: SQLite follows them, and keeps its log beside the file that it finds. */
  readonly path: string;
  readonly synchronous: Synchronous;
}

/** Links followed from one to the next, as in SQLite; more are a ring. */
const MOST_LINKS = 100;
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
  const synchronous = parseSynchronous(new URLSearchParams(query));
  const absolute = resolve(path.replace(/^\/\/+/, '/'));
  if (isFolder(absolute)) {
    const name = JSON.stringify(basename(absolute));
    throw invalid(`backend URL: sqlite: ${name} is a folder: name a file in it, ${EXAMPLE}`);
  }
  return { path: realPath(absolute), synchronous };
}

/** Where an absolute path leads by links, of the file or of folders, whether or not the file, its folders or a link's target are there yet. */
export function realPath(path: string, links = MOST_LINKS): string {
  try {
    return realpathSync(path);
  } catch {}
  const folder = dirname(path);
  if (folder === path) return path;
  const here = join(realPath(folder, links), basename(path));
  const target = linkTarget(here);
  return target === undefined || links === 0 ? here : realPath(resolve(dirname(here), target), links - 1);
}

function linkTarget(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return false;
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
