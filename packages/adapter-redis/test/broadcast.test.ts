import { broadcastSuite } from '@portolan/testkit';
import { redisHarness } from './harness.ts';

broadcastSuite(redisHarness);
