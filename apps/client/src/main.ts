import { parseArgs } from 'node:util';
import { createClient } from '@portolan/api/client';
import { pages } from './steps/pages.ts';
import { queues } from './steps/queues.ts';
import { sharedState } from './steps/shared-state.ts';
import { universities } from './steps/universities.ts';
import { users } from './steps/users.ts';
import { playTour } from './tour.ts';

const HELP = `tour: plays the five systems against a running server and checks every answer.

  --url URL     the server (http://127.0.0.1:8080, or PORTOLAN_URL)
  --site URL    a site the server may fetch pages from (http://127.0.0.1:8090, the demo site of dev)
  --help        this text

PORTOLAN_TOKEN is sent as the token, where the server wants one.`;

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: process.env.PORTOLAN_URL || 'http://127.0.0.1:8080' },
    site: { type: 'string', default: 'http://127.0.0.1:8090' },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) {
  process.stdout.write(`${HELP}\n`);
} else {
  const token = process.env.PORTOLAN_TOKEN;
  const client = createClient({ url: values.url, ...(token ? { token } : {}) });
  const passed = await playTour({ client, url: values.url, site: values.site, run: Date.now().toString(36) }, [
    sharedState,
    pages,
    universities,
    users,
    queues,
  ]);
  process.exitCode = passed ? 0 : 1;
}
