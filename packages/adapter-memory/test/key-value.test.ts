import { keyValueSuite } from '@portolan/testkit';
import { memoryHarness } from './harness.ts';

keyValueSuite(memoryHarness);
