import { createRuntime, inspectBackend, type ListedHolding, type PartInspection, TRANSFER_PARTS } from '@portolan/core';
import { openStore } from '@portolan/platform';
import type { InspectCommand } from './arguments.ts';
import { shownUrl } from './urls.ts';

const DEADLINE_MS = 30_000;
/** Collections, queues or topics shown of each part; `--json` tells all. */
const SHOWN = 50;

export async function inspect({ url, namespace, parts, json }: InspectCommand): Promise<void> {
  const runtime = createRuntime();
  const backend = await openStore(url, { namespace, runtime, deadlineMs: DEADLINE_MS, readOnly: true });
  try {
    const found = await inspectBackend(backend, { runtime, parts });
    const store = { url: shownUrl(url), namespace, at: runtime.clock.now() };
    process.stdout.write(
      json ? `${JSON.stringify({ ...store, parts: found }, null, 2)}\n` : inspectionText(store, found),
    );
  } finally {
    await backend.close();
  }
}

function inspectionText(
  store: { readonly url: string; readonly namespace: string; readonly at: number },
  parts: readonly PartInspection[],
): string {
  const lines = [`${store.url}, namespace ${store.namespace}`];
  if (parts.every(({ records, listing }) => records === 0 && listing.length === 0)) {
    const which = parts.length < TRANSFER_PARTS.length ? ` of ${parts.map(({ part }) => part).join(', ')}` : '';
    lines.push(`there is nothing${which} under this namespace`);
  }
  for (const { part, records, bytes, expiring, digest, listing } of parts) {
    const expiry =
      expiring.first === null || expiring.last === null
        ? ''
        : `, ${count(expiring.records)} expire (in ${span(expiring.first - store.at)} to ${span(expiring.last - store.at)})`;
    lines.push(
      '',
      `${part}: ${count(records)} records, ${size(bytes)}${expiry}`,
      `  digest ${digest.sha256} of ${count(digest.records)}`,
    );
    for (const held of listing.slice(0, SHOWN)) lines.push(`  ${holding(held)}`);
    if (listing.length > SHOWN) lines.push(`  … and ${count(listing.length - SHOWN)} more (--json tells all)`);
  }
  return `${lines.join('\n')}\n`;
}

function holding({ name, counts, bytes }: ListedHolding): string {
  const told = Object.entries(counts).map(([kind, number]) => tell(kind, number));
  // A kind that is its name need not be said twice.
  const what = told.length === 1 && name in counts ? '' : `${name}: `;
  return `${what}${told.join(', ') || 'empty'}${bytes > 0 ? ` (${size(bytes)})` : ''}`;
}

function tell(kind: string, number: number): string {
  if (kind === 'paused' || kind === 'limited') return kind;
  return kind === 'revision' ? `revision ${count(number)}` : `${count(number)} ${kind}`;
}

const count = (number: number): string => number.toLocaleString('en');

export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = bytes < 1 ? 0 : Math.min(Math.floor(Math.log2(bytes) / 10), units.length - 1);
  return `${(bytes / 1_024 ** step).toFixed(step === 0 ? 0 : 1)} ${units[step]}`;
}

export function span(ms: number): string {
  const steps = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
  ] as const;
  const [unit, name] = steps.find(([length]) => ms >= 2 * length) ?? [1_000, 's'];
  return `${Math.max(0, Math.round(ms / unit))} ${name}`;
}
