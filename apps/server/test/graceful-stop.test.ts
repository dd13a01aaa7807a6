import { Agent, get } from 'node:http';
import { createClient } from '@portolan/api/client';
import { describe, expect, it } from 'vitest';
import { startGateSite } from './gate-site.ts';
import { exit, gate, server } from './stop-kit.ts';
import { readEvents } from './surface/event-reader.ts';
import { BACKENDS, eventually, isMissing, storeEnv } from './systems.ts';

const page = (url: string) => fetch(`${url}/api/pages?url=${encodeURIComponent(`${gate.url}/slow`)}`);
const refused = (url: string) =>
  eventually(
    () =>
      fetch(`${url}/healthz`).then(
        () => false,
        () => true,
      ),
    (gone) => gone,
  );

describe.each(BACKENDS)('a server on %s told to stop', (backend) => {
  describe.skipIf(isMissing(backend))('', () => {
    it.each(['SIGTERM', 'SIGINT'] as const)(
      'by %s finishes the request in flight, takes no new one, and exits 0',
      async (signal) => {
        const stopping = await server(storeEnv(backend));
        const inFlight = page(stopping.url);
        const batched = createClient({ url: stopping.url }).pages.get.query({ url: `${gate.url}/batched` });
        await eventually(
          () => gate.arrivals,
          (count) => count === 2,
        );
        const exited = exit(stopping);
        stopping.child.kill(signal);
        await refused(stopping.url);
        expect(stopping.child.exitCode).toBe(null);
        gate.open();
        const response = await inFlight;
        expect(response.status).toBe(200);
        expect(((await response.json()) as { body: string }).body).toBe('slow page');
        expect((await batched).body).toBe('slow page');
        expect(await exited).toEqual([0, null]);
      },
    );

    it('sends an answer that has begun to its end: a slow call of a batch whose fast one is answered', async () => {
      const stopping = await server(storeEnv(backend));
      const client = createClient({ url: stopping.url });
      const slow = client.pages.get.query({ url: `${gate.url}/batched` });
      await client.counters.get.query({ name: 'fast' });
      await eventually(
        () => gate.arrivals,
        (count) => count === 1,
      );
      const exited = exit(stopping);
      stopping.child.kill('SIGTERM');
      await refused(stopping.url);
      // That it does not end can only be waited for, here for a tenth of its grace.
      await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 1_000))]);
      expect(stopping.child.exitCode).toBe(null);
      gate.open();
      expect((await slow).body).toBe('slow page');
      expect(await exited).toEqual([0, null]);
    });

    it('a connection that is kept open does not hold it up: what is in flight there is its last request', async () => {
      const other = await startGateSite('first page');
      const stopping = await server({
        ...storeEnv(backend),
        FETCH_ALLOW: `127.0.0.1:${gate.port},127.0.0.1:${other.port}`,
      });
      const slow = page(stopping.url);
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const kept = (path: string) =>
        new Promise<string>((resolve) => {
          const sent = get(stopping.url + path, { agent }, (response) => {
            response.resume().once('end', () => resolve(`${response.statusCode} ${response.headers.connection}`));
          });
          sent.once('error', () => resolve('refused'));
        });
      expect(await kept('/healthz')).toBe('200 keep-alive');
      const last = kept(`/api/pages?url=${encodeURIComponent(`${other.url}/first`)}`);
      await eventually(
        () => gate.arrivals + other.arrivals,
        (count) => count === 2,
      );
      const exited = exit(stopping);
      stopping.child.kill('SIGTERM');
      await stopping.line(({ msg }) => msg === 'server is closing');
      await refused(stopping.url);
      other.open();
      expect(await last).toBe('200 close');
      expect(await kept('/healthz')).toBe('refused');
      gate.open();
      expect((await slow).status).toBe(200);
      expect(await exited).toEqual([0, null]);
      agent.destroy();
      await other.close();
    });

    it('ends the streams of its subscribers, idle connections too', async () => {
      const stopping = await server(storeEnv(backend));
      const streams = await Promise.all(
        ['a', 'b'].map((topic) => readEvents(`${stopping.url}/api/topics/${topic}/stream`)),
      );
      const client = createClient({ url: stopping.url });
      let started = false;
      const subscription = client.topics.stream.subscribe({ topic: 'a' }, { onStarted: () => (started = true) });
      await eventually(
        () => started,
        (yes) => yes,
      );
      const exited = exit(stopping);
      stopping.child.kill('SIGTERM');
      expect(await exited).toEqual([0, null]);
      for (const stream of streams) {
        await eventually(
          () => stream.ended(),
          (yes) => yes,
        );
      }
      subscription.unsubscribe();
    });

    it('a second signal ends it at once', async () => {
      const stopping = await server(storeEnv(backend));
      const cut = page(stopping.url).then(
        () => 'answered',
        () => 'cut',
      );
      await eventually(
        () => gate.arrivals,
        (count) => count === 1,
      );
      const exited = exit(stopping);
      stopping.child.kill('SIGTERM');
      await stopping.line(({ msg }) => msg === 'server is closing');
      stopping.child.kill('SIGTERM');
      expect((await exited)[0]).toBe(1);
      expect(await cut).toBe('cut');
    });
  });
});
