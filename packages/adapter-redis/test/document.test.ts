import { documentSuite } from '@portolan/testkit';
import { redisHarness } from './harness.ts';

documentSuite(redisHarness);
