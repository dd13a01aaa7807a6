import { counterSuite } from '@portolan/testkit';
import { memoryHarness } from './harness.ts';

counterSuite(memoryHarness);
