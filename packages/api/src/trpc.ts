import { type ErrorCode, PortolanError } from '@portolan/core';
import { initTRPC } from '@trpc/server';
import { toPublicError, toTRPCError } from './errors.ts';
import type { RestRoute } from './http/route.ts';
import type { Services } from './services.ts';

export type Scope = 'read' | 'write' | 'admin';

/** Who calls. Without tokens configured everybody on the loopback interface may do everything. */
export interface Caller {
  readonly name: string;
  readonly scopes: readonly Scope[];
}

export interface Context {
  readonly services: Services;
  /** Null when the request carried no valid token although tokens are configured. */
  readonly caller: Caller | null;
  /** Told of every finished call: for metrics and logs. */
  readonly observe: (call: { procedure: string; code: ErrorCode | 'OK'; ms: number; cause?: unknown }) => void;
}

export interface Meta {
  /** How the procedure is reached over REST; without it, it is tRPC only. */
  readonly rest?: RestRoute;
  /** One line for the API page. */
  readonly summary?: string;
}

const t = initTRPC
  .context<Context>()
  .meta<Meta>()
  .create({
    isDev: false,
    // Nothing internal leaves: code, safe message, issues. `stack` and the path of a cause never do.
    errorFormatter({ shape, error }) {
      const portolan = toPublicError(error);
      return {
        ...shape,
        message: portolan.message,
        data: { code: shape.data.code, httpStatus: shape.data.httpStatus, path: shape.data.path, portolan },
      };
    },
    sse: {
      ping: { enabled: true, intervalMs: 15_000 },
      client: { reconnectAfterInactivityMs: 40_000 },
    },
  });

export const router = t.router;
export const createCallerFactory = t.createCallerFactory;

/** Counts the call, times it, checks the scope and turns every error into one of the table. */
function guarded(scope: Scope) {
  return t.procedure.use(async ({ ctx, path, next }) => {
    const started = performance.now();
    ctx.services.system.countCall();
    const refused = scopeRefusal(ctx.caller, scope);
    const result = refused ? { ok: false as const, error: toTRPCError(refused) } : await next();
    const ms = performance.now() - started;
    if (result.ok) {
      ctx.observe({ procedure: path, code: 'OK', ms });
      return result;
    }
    const error = toTRPCError(result.error);
    ctx.observe({ procedure: path, code: toPublicError(error).code, ms, cause: error });
    throw error;
  });
}

/** Why a caller may not do what needs a scope; undefined when it may. */
export function scopeRefusal(caller: Caller | null, scope: Scope): PortolanError | undefined {
  if (!caller)
    return new PortolanError('UNAUTHORIZED', 'a valid token is needed: send it as Authorization: Bearer SECRET');
  if (caller.scopes.includes(scope) || caller.scopes.includes('admin')) return undefined;
  return new PortolanError('FORBIDDEN', `the token ${caller.name} lacks the scope ${scope}`);
}

/** Looks, changes nothing. */
export const readProcedure = guarded('read');
export const writeProcedure = guarded('write');
export const adminProcedure = guarded('admin');
