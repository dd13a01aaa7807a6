import { limiterSuite } from '@portolan/testkit';
import { redisHarness } from './harness.ts';

limiterSuite(redisHarness);
