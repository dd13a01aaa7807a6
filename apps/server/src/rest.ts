import {
  appRouter,
  type Context,
  createCallerFactory,
  httpStatus,
  type RestProcedure,
  type RestReply,
  restInput,
  restProcedures,
  toPublicError,
} from '@portolan/api';
import { PortolanError } from '@portolan/core';
import type { Hono } from 'hono';
import { type EventStreamSource, eventStream } from './event-stream.ts';

const createCaller = createCallerFactory(appRouter);

type Call = (input: unknown) => Promise<unknown>;

/** Mounts every procedure that has a REST route under `/api`. */
export function mountRest(app: Hono, contextOf: (request: Request) => Context): void {
  for (const procedure of restProcedures()) {
    const path = `/api${procedure.route.path.replace(/\{(\w+)\}/g, ':$1')}`;
    const inputOf = restInput(procedure);
    app.on(procedure.route.method, path, async ({ req }) => {
      const request = req.raw;
      try {
        const body = request.method === 'GET' ? '' : await request.text();
        const url = new URL(request.url);
        const input = inputOf({ params: req.param(), query: url.searchParams, headers: request.headers, body });
        const output = await callOf(procedure, contextOf(request), request.signal)(input);
        return procedure.type === 'subscription'
          ? eventStream(output as EventStreamSource, request.signal)
          : answer(procedure, output);
      } catch (error) {
        return refusal(error, request.headers.has('if-match'));
      }
    });
  }
  app.all('/api/*', ({ req }) =>
    refusal(new PortolanError('NOT_FOUND', `no route ${req.method} ${req.path}; see /docs`)),
  );
}

function callOf(procedure: RestProcedure, context: Context, signal: AbortSignal): Call {
  const caller: unknown = createCaller(context, { signal });
  const [feature = '', name = ''] = procedure.name.split('.');
  return (caller as Record<string, Record<string, Call>>)[feature]?.[name] as Call;
}

function answer({ route }: RestProcedure, output: unknown): Response {
  const { body, headers }: RestReply = route.reply ? route.reply(output as never) : { body: output };
  return json(body, route.status ?? 200, headers);
}

/** The line end is for people with curl. */
function json(body: unknown, status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(`${JSON.stringify(body)}\n`, {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** The error as `{ code, message, issues? }`. A conflict of a conditional request is 412, as HTTP has it. */
export function refusal(error: unknown, conditional = false): Response {
  const told = toPublicError(error);
  const status = conditional && told.code === 'CONFLICT' ? 412 : httpStatus(told.code);
  const { retryAfterMs, ...body } = told;
  const headers: Record<string, string> =
    retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) };
  return json(body, status, headers);
}
