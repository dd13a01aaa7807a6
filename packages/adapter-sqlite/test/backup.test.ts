import { copyFileSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { alter, at, closeAll, open, read, restore, set } from './backup-kit.ts';

it('a backup made while writers write holds everything acknowledged before it, and nothing half-done', async () => {
  const backend = await open();
  const writer = await open();
  await Promise.all(Array.from({ length: 2_000 }, (_, n) => set(backend, `key:${n}`, 'x'.repeat(500))));
  const done = new AbortController();
  let pairs = 0;
  const writing = (async () => {
    for (; !done.signal.aborted; pairs++) {
      const value = String(pairs);
      await writer.keyValue.commit(
        [],
        [
          { op: 'set', key: '{p}a', value, expiresAt: null },
          { op: 'set', key: '{p}b', value, expiresAt: null },
        ],
      );
    }
  })();
  await backend.backup?.(at.file);
  done.abort();
  await writing;
  expect(existsSync(`${at.file}.unfinished`)).toBe(false);
  await set(backend, 'after', '1');
  await closeAll();
  await restore();
  const restored = await open();
  expect(await read(restored, 'key:1999')).toBe('x'.repeat(500));
  expect(await read(restored, '{p}a')).toBe(await read(restored, '{p}b'));
  expect(await read(restored, 'after')).toBeNull();
});

it('a store that is open anywhere is not overwritten, and works on', async () => {
  const backend = await open();
  await set(backend, 'old');
  await backend.backup?.(at.file);
  await set(backend, 'new');
  await expect(restore()).rejects.toMatchObject({ code: 'CONFLICT' });
  expect(await read(backend, 'new')).toBe('1');
  await backend.close();
  await restore();
  const restored = await open();
  expect([await read(restored, 'old'), await read(restored, 'new')]).toEqual(['1', null]);
  await set(restored, 'newer');
  expect(existsSync(`${at.path}.restoring`)).toBe(false);
});

it('refuses what is no backup, is damaged, or is of a newer program, and leaves the store as it is', async () => {
  const backend = await open();
  await set(backend, 'kept');
  await Promise.all(Array.from({ length: 500 }, (_, n) => set(backend, `key:${n}`, 'x'.repeat(500))));
  await backend.backup?.(at.file);
  await backend.close();
  const good = `${at.file}.good`;
  copyFileSync(at.file, good);
  const spoil: [string, () => void][] = [
    ['missing', () => rmSync(at.file)],
    ['text', () => writeFileSync(at.file, 'no database at all, but long enough to be read as one'.repeat(100))],
    ['empty', () => writeFileSync(at.file, '')],
    ['cut', () => truncateSync(at.file, 60_000)],
    ['newer', () => alter(at.file, 'PRAGMA user_version = 999')],
    ['foreign', () => alter(at.file, 'PRAGMA application_id = 7')],
    ['in use', () => writeFileSync(`${at.file}-wal`, 'log')],
  ];
  for (const [what, how] of spoil) {
    copyFileSync(good, at.file);
    how();
    await expect(restore(), what).rejects.toMatchObject({ code: 'INVALID' });
  }
  const same = await open();
  expect(await read(same, 'kept')).toBe('1');
});

it('a store of a newer program is not overwritten; a damaged one is', async () => {
  const backend = await open();
  await set(backend, 'kept');
  await backend.backup?.(at.file);
  await backend.close();
  alter(at.path, 'PRAGMA user_version = 999');
  await expect(restore()).rejects.toMatchObject({ code: 'INVALID' });
  for (const damage of ['damaged '.repeat(10_000), '']) {
    writeFileSync(at.path, damage);
    writeFileSync(`${at.path}-journal`, 'a journal of the damaged file');
    await restore();
    const restored = await open();
    expect(await read(restored, 'kept')).toBe('1');
    await restored.close();
  }
});

it.each([
  ['whose head is overwritten', () => writeFileSync(at.path, 'damaged '.repeat(1_000))],
  ['that was cut off', () => truncateSync(at.path, 0)],
])('a damaged store %s is not overwritten while it may be in use', async (_, damage) => {
  const backend = await open();
  await set(backend, 'kept');
  await backend.backup?.(at.file);
  // From then on the file alone says what it is.
  alter(at.path, 'PRAGMA wal_checkpoint(TRUNCATE)');
  damage();
  const refused = { code: 'CONFLICT', message: expect.stringContaining(`remove ${at.path}-wal and ${at.path}-shm`) };
  await expect(restore()).rejects.toMatchObject(refused);
  expect(existsSync(`${at.path}-wal`)).toBe(true);
  await backend.close();
  for (const end of ['-wal', '-shm']) rmSync(at.path + end, { force: true });
  await restore();
  expect(await read(await open(), 'kept')).toBe('1');
});

it('a damaged store gives no backup, and what is no whole copy stays nowhere', async () => {
  const backend = await open();
  await Promise.all(Array.from({ length: 500 }, (_, n) => set(backend, `key:${n}`, 'x'.repeat(500))));
  await backend.close();
  const bytes = readFileSync(at.path);
  bytes.fill(0xff, bytes.length - 8_192);
  writeFileSync(at.path, bytes);
  const damaged = await open();
  await expect(damaged.backup?.(at.file)).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    retryable: false,
    message: 'backup: the store is damaged: no backup was made',
  });
  expect(existsSync(at.file) || existsSync(`${at.file}.unfinished`)).toBe(false);
});
