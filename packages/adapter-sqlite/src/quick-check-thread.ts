import { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';

/** Tells whether the file of that name is whole; if it is, it leaves WAL mode. Imports nothing of the project's, so that it starts at once. */
const database = new DatabaseSync(String(workerData));
try {
  const whole = Object.values(database.prepare('PRAGMA quick_check(1)').get() ?? {})[0] === 'ok';
  if (whole) database.exec('PRAGMA journal_mode = DELETE');
  parentPort?.postMessage(whole);
} finally {
  database.close();
}
