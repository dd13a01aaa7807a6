import { DatabaseSync } from 'node:sqlite';

/** Holds the write lock of a file for so many ms; says `held` once it has it. */
const [file = '', ms = '0'] = process.argv.slice(2);
const database = new DatabaseSync(file, { timeout: 5_000 });
database.exec('BEGIN IMMEDIATE');
console.log('held');
setTimeout(() => {
  database.exec('COMMIT');
  database.close();
}, Number(ms));
