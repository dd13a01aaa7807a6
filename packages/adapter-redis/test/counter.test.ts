import { counterSuite } from '@portolan/testkit';
import { redisHarness } from './harness.ts';

counterSuite(redisHarness);
