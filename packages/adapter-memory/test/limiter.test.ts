import { limiterSuite } from '@portolan/testkit';
import { memoryHarness } from './harness.ts';

limiterSuite(memoryHarness);
