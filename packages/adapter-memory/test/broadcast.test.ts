import { broadcastSuite } from '@portolan/testkit';
import { memoryHarness } from './harness.ts';

broadcastSuite(memoryHarness);
