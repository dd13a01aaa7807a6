import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, type System, startSystem } from './systems.ts';

/** Every REST row of the contract. */
const ROUTES = `
PUT /api/keys/{key}
GET /api/keys/{key}
DELETE /api/keys/{key}
GET /api/keys
PUT /api/keys/{key}/fields
GET /api/keys/{key}/fields
GET /api/keys/{key}/fields/{field}
DELETE /api/keys/{key}/fields/{field}
POST /api/counters/{name}/increment
GET /api/counters/{name}
PUT /api/counters/{name}
GET /api/universities
GET /api/pages
POST /api/pages
GET /api/jobs/{id}
POST /api/queues/{queue}/jobs
GET /api/users/{id}
PUT /api/users/{id}
PATCH /api/users/{id}
DELETE /api/users/{id}
GET /api/users
POST /api/topics/{topic}/messages
GET /api/topics/{topic}/stream
POST /api/commands
GET /api/instances
GET /api/workers`
  .trim()
  .split('\n');

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: unknown;
}
interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: unknown;
  readonly responses: Readonly<Record<string, unknown>>;
}
interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let system: System;
let url: string;
beforeAll(async () => {
  system = await startSystem('memory');
  url = system.server.url;
});
afterAll(() => system?.close());

describe('/openapi.json', () => {
  let document: OpenApi;
  const operation = (route: string): Operation | undefined => {
    const [method = '', path = ''] = route.split(' ');
    return document.paths[path]?.[method.toLowerCase()];
  };
  beforeAll(async () => {
    const response = await fetch(`${url}/openapi.json`);
    expect(response.headers.get('content-type')).toContain('application/json');
    document = (await response.json()) as OpenApi;
  });

  it('is a valid OpenAPI 3.1 document', async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document) as never);
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it.each(ROUTES)('describes %s', (route) => {
    const found = operation(route);
    expect(found).toBeDefined();
    const inPath = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    const described = found?.parameters?.filter((parameter) => parameter.in === 'path') ?? [];
    expect(described.map(({ name }) => name)).toEqual(inPath);
    expect(described.every(({ required }) => required)).toBe(true);
    const [method] = route.split(' ');
    const hasBody = method === 'PUT' || method === 'POST' || method === 'PATCH';
    expect(found?.requestBody !== undefined).toBe(hasBody);
    expect(found?.responses).toHaveProperty('default');
  });

  it('names each operation once, and the statuses and headers that the contract has', () => {
    const ids = Object.values(document.paths).flatMap((path) => Object.values(path).map((one) => one.operationId));
    expect(new Set(ids).size).toBe(ids.length);
    for (const route of ['POST /api/pages', 'POST /api/queues/{queue}/jobs']) {
      expect(operation(route)?.responses).toHaveProperty('202');
    }
    const headers = (route: string) =>
      operation(route)
        ?.parameters?.filter((parameter) => parameter.in === 'header')
        .map(({ name }) => name.toLowerCase());
    for (const method of ['PUT', 'PATCH', 'DELETE']) expect(headers(`${method} /api/users/{id}`)).toEqual(['if-match']);
    expect(headers('GET /api/topics/{topic}/stream')).toEqual(['last-event-id']);
  });

  it('every described route is mounted: none answers that it does not exist', async () => {
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of Object.keys(methods)) {
        const request = { method: method.toUpperCase(), ...(method === 'get' ? {} : { body: '{' }) };
        // Names that no checker lets through, so that streams do not open.
        const target = path.replace(/\{(topic|queue)\}/, '%20').replace(/\{\w+\}/g, 'none');
        const body = (await (await fetch(url + target, request)).json()) as { message?: string };
        expect(String(body.message ?? ''), `${method} ${path}`).not.toMatch(/no route|nothing at/);
      }
    }
  });
});

describe('/docs', () => {
  it('is a page all of whose parts come from the server itself', async () => {
    const redirected = await fetch(`${url}/`);
    expect(redirected.url).toBe(`${url}/docs`);
    const page = await redirected.text();
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
    const parts = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path as string);
    expect(parts.length).toBeGreaterThanOrEqual(3);
    for (const path of parts) {
      const response = await fetch(url + path);
      expect([path, response.status]).toEqual([path, 200]);
      const text = await response.text();
      expect(text.length).toBeGreaterThan(20);
      if (path.endsWith('.css')) expect(text).not.toMatch(/url\(["']?(https?:)?\/\//);
    }
    expect((await fetch(`${url}/docs/package.json`)).status).toBe(404);
    expect((await fetch(`${url}/docs/..%2fpackage.json`)).status).toBe(404);
  });
});

describe('the process tells how it is', () => {
  it('/healthz and /readyz answer', async () => {
    expect([(await fetch(`${url}/healthz`)).status, (await fetch(`${url}/readyz`)).status]).toEqual([200, 200]);
    expect(await (await fetch(`${url}/readyz`)).json()).toEqual({ status: 'ready' });
  });

  it('/metrics counts calls by procedure and outcome, in the Prometheus format', async () => {
    const metric = async (labels: string): Promise<number> => {
      const response = await fetch(`${url}/metrics`);
      expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
      const line = (await response.text()).split('\n').find((one) => one.startsWith(`portolan_calls_total{${labels}`));
      return Number(line?.split(' ').at(-1) ?? 0);
    };
    const missed = 'procedure="keys.get",code="NOT_FOUND"';
    const before = await metric(missed);
    for (let n = 0; n < 3; n++) await fetch(`${url}/api/keys/never-set`);
    expect(await metric(missed)).toBe(before + 3);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain('portolan_call_seconds_bucket');
  });

  it('jobs are counted too', async () => {
    const body = JSON.stringify({ name: 'echo', data: 1 });
    await fetch(`${url}/api/queues/default/jobs`, { method: 'POST', body });
    await eventually(
      async () => (await fetch(`${url}/metrics`)).text(),
      (text) => /portolan_jobs_total\{name="echo",outcome="completed"[^}]*\} 1/.test(text),
    );
  });

  it('every API call adds one to the counter api.calls, failed ones and those of a batch included', async () => {
    const calls = async () =>
      ((await (await fetch(`${url}/api/counters/api.calls`)).json()) as { value: number }).value;
    // Counted without making calls wait, so the number is asked for until it stands.
    const settled = async () => {
      let last = -1;
      return eventually(calls, (value) => {
        const still = value === last + 1;
        last = value;
        return still;
      });
    };
    const before = await settled();
    await fetch(`${url}/api/ping`);
    await fetch(`${url}/api/keys/never-set`);
    await fetch(`${url}/trpc/system.ping,system.info?batch=1&input={}`);
    // Four calls, and this question is the fifth; how many more were asked in between is for `eventually` to catch.
    await eventually(calls, (value) => value >= before + 4);
    const after = await settled();
    expect(after).toBeGreaterThanOrEqual(before + 5);
  });
});
