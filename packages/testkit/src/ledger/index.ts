export { EVERY_WORKER, type Fault } from './ledger.ts';
export { LEDGER_LEASE_MS, startLedgerWorker } from './ledger-worker.ts';
export { type ProcessCommand, processWorker } from './process-worker.ts';
export { type ReplyDropper, startReplyDropper } from './reply-dropper.ts';
export { type LedgerOptions, type LedgerReport, type LedgerWorker, runLedger } from './run-ledger.ts';
