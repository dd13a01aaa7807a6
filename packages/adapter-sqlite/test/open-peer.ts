import { createRuntime } from '@portolan/core';
import { sqliteAdapter } from '../src/index.ts';

/** Opens a file as soon as the moment (ms since the epoch) has come, writes a key of its own, and says `done`. */
const [file = '', key = '', moment = '0'] = process.argv.slice(2);
const adapter = sqliteAdapter();
while (Date.now() < Number(moment));
const backend = await adapter.open(`sqlite:${file}`, { namespace: 'n', runtime: createRuntime(), deadlineMs: 10_000 });
await backend.keyValue.commit([], [{ op: 'set', key, value: key, expiresAt: null }]);
await backend.close();
console.log('done');
