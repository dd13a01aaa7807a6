import { type DemoSite, startDemoSite } from '@portolan/demo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Case } from './surface/case.ts';
import { commandCases } from './surface/commands.ts';
import { counterCases, fieldCases } from './surface/fields-counters.ts';
import { flowCases } from './surface/flows.ts';
import { jobCases } from './surface/jobs.ts';
import { keyCases, keyListCases } from './surface/keys.ts';
import { queueCases } from './surface/queues.ts';
import { scheduleCases } from './surface/schedules.ts';
import { createTalk, type Talk, TRANSPORTS } from './surface/talk.ts';
import { userCases } from './surface/users.ts';
import { workerCases } from './surface/workers.ts';
import { BACKENDS, isMissing, type System, startSystem } from './systems.ts';

/** The HTTP surface, feature by feature: the same questions over each transport to each backend. */
const features: readonly (readonly [string, readonly Case[]])[] = [
  ['keys', keyCases],
  ['keys, listed', keyListCases],
  ['fields', fieldCases],
  ['counters', counterCases],
  ['users', userCases],
  ['jobs', jobCases],
  ['queues', queueCases],
  ['schedules', scheduleCases],
  ['flows', flowCases],
  ['commands', commandCases],
  ['workers', workerCases],
];

const transcripts = new Map<string, readonly unknown[]>();
let site: DemoSite;
beforeAll(async () => {
  site = await startDemoSite();
});
afterAll(() => site?.close());

for (const backend of BACKENDS) {
  describe.skipIf(isMissing(backend))(`on ${backend}`, () => {
    let system: System;
    beforeAll(async () => {
      system = await startSystem(backend, {
        UNIVERSITIES_URL: `${site.url}/search`,
        FETCH_ALLOW: `127.0.0.1:${site.port}`,
      });
    });
    afterAll(() => system?.close());

    for (const transport of TRANSPORTS) {
      let talk: Talk;
      beforeAll(() => {
        talk = createTalk(system.server.url, transport, `run-${transport.toLowerCase()}`);
        transcripts.set(`${backend} ${transport}`, talk.transcript);
      });
      describe.each(features)(`over ${transport}: %s`, (_feature, cases) => {
        it.each(cases)('$title', ({ play }) => play(talk));
      });
    }
  });
}

describe.each(BACKENDS.filter((backend) => backend !== 'memory'))('memory and %s', (backend) => {
  it.skipIf(isMissing(backend)).each(TRANSPORTS)('gave the same answers over %s', (transport) => {
    const memory = transcripts.get(`memory ${transport}`) ?? [];
    expect(memory.length).toBeGreaterThan(150);
    expect(transcripts.get(`${backend} ${transport}`)).toEqual(memory);
  });
});
