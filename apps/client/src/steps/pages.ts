import type { PortolanClient } from '@portolan/api/client';
import type { Narrator, Step } from '../tour.ts';

/** Waits for a job and tells its progress. */
export async function waitForJob(client: PortolanClient, id: string, say: Narrator) {
  for (;;) {
    const job = await client.jobs.get.query({ id });
    if (job.state === 'completed' || job.state === 'failed' || job.state === 'cancelled') return job;
    say.progress(`job ${job.name} is ${job.state} ${job.progress === null ? '' : JSON.stringify(job.progress)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** System 2: the page fetcher, cached and in the background. */
export const pages: Step = {
  title: 'Page fetcher with cache and background jobs',
  async play({ client, site, run }, say) {
    const url = `${site}/pages/hello?tour=${run}`;
    const first = await client.pages.get.query({ url });
    say.expect('fetch a page', [first.status, first.cache], [200, 'MISS']);
    const second = await client.pages.get.query({ url });
    say.expect('fetch it again', second.cache, 'HIT');
    const refreshed = await client.pages.get.query({ url, refresh: true });
    say.expect('force a new fetch', refreshed.cache, 'MISS');

    const { jobId } = await client.pages.enqueue.mutate({ url: `${site}/pages/number/1?tour=${run}` });
    say.tell('the same as a background job', jobId);
    const job = await waitForJob(client, jobId, say);
    const page = job.result as { status: number; body: string } | undefined;
    say.expect(
      'its result is the page',
      [job.state, page?.status, page?.body.includes('page number 1')],
      ['completed', 200, true],
    );

    const refused = await client.pages.get
      .query({ url: 'http://169.254.169.254/latest/meta-data' })
      .catch((error) => error);
    say.expect('a private address is refused', refused.data?.portolan?.code, 'FORBIDDEN');
  },
};
