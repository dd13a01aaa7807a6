import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { PortolanError } from '@portolan/core';
import { afterAll, expect, it } from 'vitest';
import { readCommand } from '../src/arguments.ts';
import { size, span } from '../src/inspect.ts';
import { progressLine } from '../src/progress.ts';
import { shownUrl } from '../src/urls.ts';
import { run } from './command-line.ts';
import { open } from './fill.ts';

const folder = mkdtempSync(join(tmpdir(), 'portolan-command-'));
const url = `sqlite:${join(folder, 'store.db')}`;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function holding(key: string): Promise<string | null> {
  const backend = await open(url, 'portolan');
  const [found] = await backend.keyValue.read([key], { as: 'text' });
  await backend.close();
  return found?.value ?? null;
}

function refusal(args: readonly string[]): PortolanError | undefined {
  try {
    readCommand(args, { BACKEND_URL: url });
    return undefined;
  } catch (error) {
    return PortolanError.from(error);
  }
}

it('backs up while the store is used, and restores when nobody uses it', async () => {
  const file = join(folder, 'backup.db');
  const env = { BACKEND_URL: url };
  const backend = await open(url, 'portolan');
  await backend.keyValue.commit([], [{ op: 'set', key: 'old', value: '1', expiresAt: null }]);
  expect(await run(['backup', file], env)).toMatchObject({ code: 0, out: `backed up to ${file}\n` });
  expect(await run(['backup', file], env)).toMatchObject({ code: 2 });
  expect(await run(['backup', ''], env)).toMatchObject({ code: 2, err: 'backup: needs the name of a file\n' });
  await backend.keyValue.commit([], [{ op: 'set', key: 'old', value: '2', expiresAt: null }]);
  const refused = await run(['restore', file], env);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain('in use');
  await backend.close();
  expect(await run(['restore', file], env)).toMatchObject({ code: 0 });
  expect(await holding('old')).toBe('1');
}, 60_000);

it('prints what a store holds for people', async () => {
  const { code, out } = await run(['inspect'], { BACKEND_URL: url });
  expect(code).toBe(0);
  expect(out).toContain('keyValue: 1 records');
  expect(out).toMatch(/digest [0-9a-f]{64} of 1/);
});

it('repairs what does not agree in queues, while the store is used', async () => {
  const backend = await open(url, 'portolan');
  await backend.queue.push('work', [{ id: 'one', body: '{}', priority: 0, delayMs: 0 }]);
  const raw = new DatabaseSync(join(folder, 'store.db'));
  raw.exec('DELETE FROM job_line');
  expect(await run(['repair', '--dry-run'], { BACKEND_URL: url })).toMatchObject({
    code: 0,
    out: expect.stringMatching(/work: \d+ entries looked at; to be repaired: 1 jobs/),
  });
  const { code, out } = await run(['repair', url, '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ dryRun: false, queues: [{ queue: 'work', repaired: { jobs: 1, sums: 1 } }] });
  expect(await run(['repair', url])).toMatchObject({ code: 0, out: expect.stringContaining('nothing to repair') });
  expect(raw.prepare('SELECT count(*) AS n FROM job_line').get()?.n).toBe(1);
  raw.close();
  await backend.queue.amend('work', { do: 'remove', id: 'one' });
  await backend.close();
}, 60_000);

it('looks only at a file that is there', async () => {
  const missing = join(folder, 'typo.db');
  for (const args of [
    ['inspect', `sqlite:${missing}`],
    ['repair', `sqlite:${missing}`],
    ['copy', `sqlite:${missing}`, url],
  ]) {
    expect(await run(args)).toMatchObject({ code: 2, err: expect.stringContaining('no file') });
  }
  expect(existsSync(missing)).toBe(false);
  const empty = join(folder, 'empty.db');
  writeFileSync(empty, '');
  expect(await run(['inspect', `sqlite:${empty}`])).toMatchObject({
    code: 2,
    err: expect.stringContaining('no store'),
  });
  expect(readFileSync(empty)).toHaveLength(0);
  expect(await run(['inspect', `sqlite:${folder}`])).toMatchObject({
    code: 2,
    err: expect.stringContaining('is a folder'),
  });
  expect(await run(['inspect', 'sqlite:%zz'])).toMatchObject({
    code: 2,
    err: 'backend URL: a percent sign in the path is written %25\n',
  });
}, 60_000);

it('copies no store onto itself, whatever its name', async () => {
  const link = join(folder, 'link.db');
  symlinkSync(join(folder, 'store.db'), link);
  for (const same of [
    `${url}?synchronous=full`,
    `sqlite:${folder}/../${folder.split('/').at(-1)}/store.db`,
    `sqlite:${link}`,
  ]) {
    expect(await run(['copy', url, same])).toMatchObject({ code: 2, err: expect.stringContaining('the same store') });
  }
}, 60_000);

it('refuses what cannot be meant in one line that repeats no secret', async () => {
  const secret = 'redis://user:hunter2@127.0.0.1:1/0?password=hunter3';
  const bad = [
    ['fly'],
    ['copy'],
    ['copy', url],
    ['copy', url, url],
    ['copy', url, secret, 'more'],
    ['copy', url, 'memory:'],
    ['copy', url, 'nonsense'],
    ['copy', url, secret, '--parts', 'keyvalue'],
    ['copy', url, secret, '--json'],
    ['copy', url, secret, '--page-size', '1001'],
    ['copy', url, secret, '--namespace', 'a b'],
    ['inspect', url, secret],
    ['inspect', '--frob'],
    ['inspect', '--dry-run'],
    ['repair', url, secret],
    ['repair', '--parts', 'queue'],
    ['backup'],
    ['backup', 'x', 'y'],
  ];
  for (const args of bad) {
    const error = refusal(args);
    expect([args, error?.code]).toEqual([args, 'INVALID']);
    expect(error?.message.split('\n')).toHaveLength(1);
    expect(error?.message).not.toContain('hunter');
  }
  expect(await run(['copy', url, 'ftp://user:hunter2@host'])).toMatchObject({
    code: 2,
    out: '',
    err: expect.not.stringContaining('hunter'),
  });
  const elsewhere = await run(['backup', 'x'], { BACKEND_URL: secret });
  expect(elsewhere).toMatchObject({ code: 2, err: expect.stringContaining('BACKEND_URL') });
  const away = await run(['copy', url, secret.replace('?password=hunter3', ''), '--state', join(folder, 'state.json')]);
  expect(away.code).toBe(1);
  expect(away.out + away.err + elsewhere.err).not.toContain('hunter');
}, 60_000);

it('helps', async () => {
  expect((await run([])).out).toContain('portolan copy <from-url> <to-url>');
  expect(readCommand(['--', '--help'], {})).toEqual({ command: 'help' });
});

it('shows a URL without what is secret', () => {
  expect(shownUrl('redis://u:p@ss/w@host:1/2')).toBe('redis://host:1/2');
  expect(shownUrl('rediss://:secret@host?tlsCa=/x')).toBe('rediss://host?tlsCa=…');
  expect(shownUrl('redis://host')).toBe('redis://host');
  expect(shownUrl('sqlite:.data/a@b.db?synchronous=full')).toBe('sqlite:.data/a@b.db?synchronous=full');
});

it('draws progress, sizes and spans', () => {
  const progress = { phase: 'copy', part: 'document', records: 50, total: 200 } as const;
  expect(progressLine(progress, 1_234)).toMatch(/^copy {3}document {2}█{8}░{22} {2}25% {2}50 \/ 200 {2}1,234\/s$/);
  expect(progressLine({ ...progress, records: 0, total: 0 }, undefined)).toContain('100%');
  expect([size(0), size(1_023), size(1_536), size(5 * 1_024 ** 3)]).toEqual(['0 B', '1023 B', '1.5 KiB', '5.0 GiB']);
  expect([span(1_500), span(180_000), span(7_200_000), span(-5)]).toEqual(['2 s', '3 min', '2 h', '0 s']);
});
