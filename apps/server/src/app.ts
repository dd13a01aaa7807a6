import { appRouter, type Context, type Features, openApiDocument, scopeRefusal } from '@portolan/api';
import { type Portolan, PortolanError } from '@portolan/core';
import { createAuthenticator, type Platform, refuseForeignPages } from '@portolan/platform';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { mountDocs } from './docs-page.ts';
import { mountRest, refusal } from './rest.ts';

/** A request's body; the largest value a key may hold is 8 MiB. */
const MAX_BODY_BYTES = 10 * 1024 * 1024;
const MAX_BATCH = 200;

export interface AppOptions {
  readonly platform: Platform;
  readonly portolan: Portolan;
  readonly features: Features;
  /** True once the features are started. */
  readonly started: () => boolean;
}

/** Everything the server answers, as one function from Request to Response. */
export function createApp({ platform, portolan, features, started }: AppOptions): Hono {
  const { config, metrics, logger } = platform;
  const authenticate = createAuthenticator(config.tokens);
  const open = config.tokens.length === 0;
  const contextOf = (request: Request): Context => ({
    services: features.services,
    caller: authenticate(request.headers.get('authorization')),
    observe({ procedure, code, ms, cause }) {
      metrics.call(procedure, code, ms / 1000);
      if (code === 'INTERNAL') logger.error({ procedure, ms, err: describe(cause) }, 'call failed');
      else logger.debug({ procedure, code, ms }, 'call');
    },
  });

  const app = new Hono();
  app.onError((error) => {
    if (!PortolanError.is(error)) logger.error({ err: describe(error) }, 'request failed');
    return refusal(error);
  });
  app.get('/healthz', (c) => c.json({ status: 'alive' }));
  app.get('/readyz', async (c) => {
    try {
      await portolan.ping();
    } catch (error) {
      return c.json({ status: 'unavailable', reason: PortolanError.from(error).message }, 503);
    }
    return started() ? c.json({ status: 'ready' }) : c.json({ status: 'unavailable', reason: 'starting' }, 503);
  });
  if (open) {
    app.use(async (c, next) => {
      refuseForeignPages(c.req.header('host'), c.req.header('origin'));
      await next();
    });
  }
  app.get('/metrics', async (c) => {
    const refused = scopeRefusal(authenticate(c.req.header('authorization')), 'read');
    if (refused) return refusal(refused);
    return c.body(await metrics.text(), 200, { 'content-type': metrics.contentType });
  });
  const document = openApiDocument(platform.process.version);
  app.get('/openapi.json', (c) => c.json(document));
  app.get('/', (c) => c.redirect('/docs'));
  mountDocs(app);

  const limit = bodyLimit({
    maxSize: MAX_BODY_BYTES,
    onError: () => refusal(new PortolanError('TOO_LARGE', `the body is larger than ${MAX_BODY_BYTES} bytes`)),
  });
  app.use('/trpc/*', limit);
  app.use('/api/*', limit);
  app.all('/trpc/*', (c) =>
    fetchRequestHandler({
      endpoint: '/trpc',
      req: c.req.raw,
      router: appRouter,
      createContext: () => contextOf(c.req.raw),
      allowMethodOverride: true,
      maxBatchSize: MAX_BATCH,
    }),
  );
  mountRest(app, contextOf);
  app.notFound((c) => refusal(new PortolanError('NOT_FOUND', `nothing at ${c.req.path}; see /docs`)));
  return app;
}

/** A cause for the log: name, message and stack down to the first error. Portolan's own causes carry no secrets. */
function describe(error: unknown): object {
  let root = error;
  while (root instanceof Error && root.cause instanceof Error) root = root.cause;
  return root instanceof Error
    ? { name: root.name, message: root.message, stack: root.stack }
    : { message: String(root) };
}
