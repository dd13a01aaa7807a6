import { keyValueSuite } from '@portolan/testkit';
import { redisHarness } from './harness.ts';

keyValueSuite(redisHarness);
