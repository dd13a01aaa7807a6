import { transferSuite } from '@portolan/testkit';
import { memoryHarness } from './harness.ts';

transferSuite(memoryHarness);
