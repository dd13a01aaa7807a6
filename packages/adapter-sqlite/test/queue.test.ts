import { queueSuite } from '@portolan/testkit';
import { sqliteHarness } from './harness.ts';

queueSuite(sqliteHarness);
