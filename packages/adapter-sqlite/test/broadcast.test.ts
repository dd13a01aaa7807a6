import { broadcastSuite } from '@portolan/testkit';
import { sqliteHarness } from './harness.ts';

broadcastSuite(sqliteHarness);
