import { createRuntime, invalid } from '@portolan/core';
import { openStore, restoreStore } from '@portolan/platform';
import type { FileCommand } from './arguments.ts';

const DEADLINE_MS = 30_000;

export async function backup({ url, namespace, file }: FileCommand): Promise<void> {
  const backend = await openStore(url, {
    namespace,
    runtime: createRuntime(),
    deadlineMs: DEADLINE_MS,
    readOnly: true,
  });
  try {
    if (!backend.backup) throw invalid(`a ${backend.capabilities.name} store makes no backups of this kind`);
    await backend.backup(file);
    process.stdout.write(`backed up to ${file}\n`);
  } finally {
    await backend.close();
  }
}

export async function restore({ url, file }: FileCommand): Promise<void> {
  await restoreStore(url, file);
  process.stdout.write(`restored from ${file}\n`);
}
