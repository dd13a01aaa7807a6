import type { Talk } from './talk.ts';

/** One part of the surface: played over each transport on each backend, with the same expectations. */
export interface Case {
  readonly title: string;
  play(talk: Talk): Promise<void>;
}
