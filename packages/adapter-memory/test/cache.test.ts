import { cacheSuite } from '@portolan/testkit';
import { memoryHarness } from './harness.ts';

cacheSuite(memoryHarness);
