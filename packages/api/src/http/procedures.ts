import type { ZodType } from 'zod';
import { appRouter } from '../router.ts';
import type { RestRoute } from './route.ts';

/** A procedure that is reached over REST, with all that its mounting and its description need. */
export interface RestProcedure {
  /** Its name over tRPC: `keys.get`. */
  readonly name: string;
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly summary: string;
  readonly route: RestRoute;
  readonly input: ZodType | undefined;
  readonly output: ZodType | undefined;
}

interface ProcedureDefinition {
  readonly type: RestProcedure['type'];
  readonly meta?: { readonly rest?: RestRoute; readonly summary?: string };
  readonly inputs: readonly ZodType[];
  readonly output?: ZodType;
}

/** Every procedure with a REST route, in the order of the router. */
export function restProcedures(): RestProcedure[] {
  const procedures = Object.entries(appRouter._def.procedures as Record<string, unknown>);
  return procedures.flatMap(([name, procedure]) => {
    const definition = (procedure as { _def: ProcedureDefinition })._def;
    const route = definition.meta?.rest;
    if (!route) return [];
    const { type, inputs, output } = definition;
    return [{ name, type, route, summary: definition.meta?.summary ?? name, input: inputs[0], output }];
  });
}
