import { queueSuite } from '@portolan/testkit';
import { redisHarness } from './harness.ts';

queueSuite(redisHarness);
