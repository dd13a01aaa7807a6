import { documentSuite } from '@portolan/testkit';
import { sqliteHarness } from './harness.ts';

documentSuite(sqliteHarness);
