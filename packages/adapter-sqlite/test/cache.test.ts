import { cacheSuite } from '@portolan/testkit';
import { sqliteHarness } from './harness.ts';

cacheSuite(sqliteHarness);
