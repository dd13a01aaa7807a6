export { sqliteAdapter } from './adapter.ts';
