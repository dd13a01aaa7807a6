import { DatabaseSync } from 'node:sqlite';
import { Worker } from 'node:worker_threads';
import { PortolanError } from '@portolan/core';
import { isUnreadable } from './errors.ts';
import { checkOwner } from './migrations.ts';

const ENTRY = new URL(`./quick-check-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * What keeps a copy of a store from being used as one, in words about `subject`; null when nothing does. Reads the whole file, in a thread of its own: seconds for
 * gigabytes. Leaves it as one file that needs no log beside it. Rejects with what kept it from reading.
 */
export async function findFault(copy: string, subject: string): Promise<string | null> {
  try {
    if (schemaOf(copy, subject) === 0) return `${subject} is no backup: it is empty`;
    return (await quickCheck(copy)) ? null : `${subject} is damaged`;
  } catch (error) {
    if (PortolanError.is(error, 'INVALID')) return error.message;
    if (isUnreadable(error)) return `${subject} is damaged, or no SQLite file`;
    throw error;
  }
}

function schemaOf(copy: string, subject: string): number {
  const database = new DatabaseSync(copy);
  try {
    return checkOwner(database, subject);
  } finally {
    database.close();
  }
}

function quickCheck(copy: string): Promise<boolean> {
  const thread = new Worker(ENTRY, { workerData: copy });
  return new Promise((resolve, reject) => {
    thread.once('message', resolve);
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('the thread that reads the copy has ended')));
  });
}
