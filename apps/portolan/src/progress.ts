import type { CopyProgress } from '@portolan/core';

/** ms between two lines, and between two drawings of the bar. */
const EVERY_MS = { line: 1_000, bar: 100 };
const WIDTH = 30;

export interface Progress {
  tell(progress: CopyProgress): void;
  /** Leaves the line. */
  end(): void;
}

/** A bar that is redrawn on a terminal, a line per second elsewhere. */
export function showProgress(out: NodeJS.WriteStream): Progress {
  const every = out.isTTY ? EVERY_MS.bar : EVERY_MS.line;
  let shownAt = performance.now();
  let begun = { key: '', at: 0, records: 0 };
  let drawn = false;
  return {
    tell(progress) {
      const { phase, part, records, total } = progress;
      const now = performance.now();
      const key = `${phase} ${part}`;
      const isNew = key !== begun.key;
      if (isNew) begun = { key, at: now, records };
      const ended = records >= total;
      if (!(out.isTTY && (isNew || ended)) && now - shownAt < every) return;
      shownAt = now;
      const seconds = (now - begun.at) / 1_000;
      const perSecond = seconds > 0.5 ? Math.round((records - begun.records) / seconds) : undefined;
      const line = progressLine(progress, perSecond);
      if (out.isTTY) out.write(`\r\u001b[K${line}`);
      else out.write(`${line}\n`);
      drawn = true;
    },
    end() {
      if (out.isTTY && drawn) out.write('\r\u001b[K');
    },
  };
}

export function progressLine({ phase, part, records, total }: CopyProgress, perSecond: number | undefined): string {
  const share = total === 0 ? 1 : Math.min(1, records / total);
  const filled = Math.round(share * WIDTH);
  const bar = `${'█'.repeat(filled)}${'░'.repeat(WIDTH - filled)}`;
  const counts = `${records.toLocaleString('en')} / ${total.toLocaleString('en')}`;
  const speed = perSecond === undefined ? '' : `  ${perSecond.toLocaleString('en')}/s`;
  return `${phase.padEnd(6)} ${part.padEnd(9)} ${bar} ${String(Math.floor(share * 100)).padStart(3)}%  ${counts}${speed}`;
}
