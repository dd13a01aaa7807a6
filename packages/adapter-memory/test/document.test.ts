import { documentSuite } from '@portolan/testkit';
import { memoryHarness } from './harness.ts';

documentSuite(memoryHarness);
