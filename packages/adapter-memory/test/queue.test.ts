import { queueSuite } from '@portolan/testkit';
import { memoryHarness } from './harness.ts';

queueSuite(memoryHarness);
