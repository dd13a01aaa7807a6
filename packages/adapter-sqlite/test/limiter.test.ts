import { limiterSuite } from '@portolan/testkit';
import { sqliteHarness } from './harness.ts';

limiterSuite(sqliteHarness);
