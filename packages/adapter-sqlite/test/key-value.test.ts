import { keyValueSuite } from '@portolan/testkit';
import { sqliteHarness } from './harness.ts';

keyValueSuite(sqliteHarness);
