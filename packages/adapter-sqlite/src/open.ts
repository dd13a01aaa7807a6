import type { Backend, OpenOptions } from '@portolan/core';
import { backupFile } from './backup.ts';
import { sqliteBroadcast } from './broadcast.ts';
import { sqliteCache } from './cache.ts';
import type { SqliteContext } from './context.ts';
import { sqliteCounter } from './counter.ts';
import { sqliteDocument } from './document.ts';
import { Engine } from './engine.ts';
import { sqliteKeyValue } from './key-value.ts';
import { parseLocation } from './location.ts';
import { sqliteQueue } from './queue.ts';
import { Signals } from './signals.ts';
import { Sweeper } from './sweeper.ts';
import { sqliteTransfer } from './transfer.ts';

/** One connection to the file, and the six ports over it. */
export async function openSqlite(
  url: string,
  { namespace, runtime, deadlineMs, readOnly }: OpenOptions,
): Promise<Backend> {
  const engine = await Engine.open(parseLocation(url), runtime, deadlineMs, readOnly);
  const id = await namespaceId(engine, namespace, readOnly).catch((error) => {
    engine.close();
    throw error;
  });
  const signals = new Signals(engine, id);
  const sweeper = new Sweeper(engine, runtime);
  const endings: (() => void)[] = [];
  const context: SqliteContext = {
    runtime,
    engine,
    signals,
    namespace: id,
    // INTEGER columns take whole numbers only.
    now: () => Math.floor(runtime.clock.now()),
    onSweep: (sweep) => sweeper.add(sweep),
    onClose: (end) => void endings.push(end),
  };
  context.onSweep((limit) => signals.sweep(limit));
  const ports = {
    keyValue: sqliteKeyValue(context),
    cache: sqliteCache(context),
    counter: sqliteCounter(context),
    document: sqliteDocument(context),
    queue: sqliteQueue(context),
    broadcast: sqliteBroadcast(context),
    transfer: sqliteTransfer(context),
  };
  if (!readOnly) sweeper.start();
  return {
    ...ports,
    capabilities: { name: 'sqlite', shared: true, durable: true },
    backup: (file) => backupFile(engine.path, file),
    async ping() {
      engine.checkFile();
      await engine.read(() => void engine.sql('SELECT count(*) FROM namespace').get());
    },
    async close() {
      sweeper.stop();
      for (const end of endings.splice(0)) end();
      signals.stop();
      engine.close();
    },
  };
}

/** No namespace has it. */
const NOWHERE = 0;

/** Takes the lock only for a namespace that is new. */
async function namespaceId(engine: Engine, name: string, readOnly = false): Promise<number> {
  const find = () => engine.sql('SELECT id FROM namespace WHERE name = ?').get(name)?.id;
  const known = await engine.read(find);
  if (known !== undefined) return Number(known);
  if (readOnly) return NOWHERE;
  return engine.write(() => {
    engine.sql('INSERT INTO namespace (name) VALUES (?) ON CONFLICT DO NOTHING').run(name);
    return Number(find());
  });
}
