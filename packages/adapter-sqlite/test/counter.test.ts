import { counterSuite } from '@portolan/testkit';
import { sqliteHarness } from './harness.ts';

counterSuite(sqliteHarness);
