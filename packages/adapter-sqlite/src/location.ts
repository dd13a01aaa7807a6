import { invalid } from '@portolan/core';

/** How hard a commit is pressed to the disk. */
export type Synchronous = 'normal' | 'full';

export interface Location {
  readonly path: string;
  readonly synchronous: Synchronous;
}

/**
 * `sqlite:PATH[?synchronous=full]`. `normal` (if not said): what was acknowledged survives the end of every process, a power cut may take the last moments.
 * `full`: it survives that too, at an fsync per commit.
 */
export function parseLocation(url: string): Location {
  const [, path = '', query = ''] = /^sqlite:([^?]*)(?:\?(.*))?$/i.exec(url) ?? [];
  if (path === '' || path === ':memory:') {
    throw invalid(
      'backend URL: sqlite: needs a file, as in sqlite:.data/portolan.db (memory: is the store without one)',
    );
  }
  const parameters = new URLSearchParams(query);
  for (const name of parameters.keys()) {
    if (name !== 'synchronous') throw invalid(`backend URL: sqlite: knows no parameter ${name}; known is synchronous`);
  }
  const synchronous = parameters.get('synchronous') ?? 'normal';
  if (synchronous !== 'normal' && synchronous !== 'full') {
    throw invalid('backend URL: synchronous is normal or full, as in sqlite:portolan.db?synchronous=full');
  }
  return { path: decodeURIComponent(path), synchronous };
}
