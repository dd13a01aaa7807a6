import { isDeepStrictEqual } from 'node:util';
import type { PortolanClient } from '@portolan/api/client';

export interface TourContext {
  readonly client: PortolanClient;
  /** The server. */
  readonly url: string;
  /** A site that the server may fetch from. */
  readonly site: string;
  /** Part of every name that the tour writes, so that tours do not meet. */
  readonly run: string;
}

/** What a step says while it runs. */
export interface Narrator {
  /** One thing done, and what came of it. */
  tell(done: string, answer?: unknown): void;
  /** How far a long work is; replaces itself on a terminal. */
  progress(text: string): void;
  /** Fails the step unless the answer is as expected. */
  expect(what: string, answer: unknown, expected: unknown): void;
}

export interface Step {
  readonly title: string;
  play(context: TourContext, say: Narrator): Promise<void>;
}

class WrongAnswer extends Error {}

const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length > 160 ? `${text.slice(0, 157)}...` : text;
};

function createNarrator(out: NodeJS.WriteStream): Narrator {
  let open = false;
  const line = (text: string) => {
    out.write(`${open ? '\n' : ''}${text}\n`);
    open = false;
  };
  return {
    tell: (done, answer) => line(`   ${done}${answer === undefined ? '' : ` -> ${short(answer)}`}`),
    progress(text) {
      if (!out.isTTY) return line(`   … ${text}`);
      out.write(`\r   … ${text.padEnd(60)}`);
      open = true;
    },
    expect(what, answer, expected) {
      if (!isDeepStrictEqual(answer, expected)) {
        throw new WrongAnswer(`${what}: expected ${short(expected)}, got ${short(answer)}`);
      }
      line(`   ${what} -> ${short(answer)}`);
    },
  };
}

/** Plays the steps in order; answers whether all passed. A wrong answer or an error ends its step, the others still play. */
export async function playTour(context: TourContext, steps: readonly Step[]): Promise<boolean> {
  const out = process.stdout;
  let failures = 0;
  for (const [index, step] of steps.entries()) {
    const started = performance.now();
    out.write(`\n${index + 1}. ${step.title}\n`);
    try {
      await step.play(context, createNarrator(out));
      out.write(`   passed in ${Math.round(performance.now() - started)} ms\n`);
    } catch (error) {
      failures++;
      out.write(`   FAILED: ${explain(error, context.url)}\n`);
    }
  }
  out.write(
    failures === 0 ? `\nall ${steps.length} steps passed\n` : `\n${failures} of ${steps.length} steps failed\n`,
  );
  return failures === 0;
}

function explain(error: unknown, url: string): string {
  const message = error instanceof Error ? error.message : String(error);
  return message === 'fetch failed' ? `no server answers on ${url}; start one with: npx -y pnpm@12 dev` : message;
}
