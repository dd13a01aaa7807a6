import { cacheSuite } from '@portolan/testkit';
import { redisHarness } from './harness.ts';

cacheSuite(redisHarness);
