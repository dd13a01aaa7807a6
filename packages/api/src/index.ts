export { httpStatus, type PublicError, toPublicError } from './errors.ts';
export { openApiDocument } from './http/openapi.ts';
export { type RestProcedure, restProcedures } from './http/procedures.ts';
export { type RestRequest, restInput } from './http/rest-input.ts';
export type { RestReply, RestRoute } from './http/route.ts';
export { type AppRouter, appRouter } from './router.ts';
export { CACHE_SETTINGS, createFeatures, type FeatureOptions, type Features, type Services } from './services.ts';
export { type Caller, type Context, createCallerFactory, type Scope, scopeRefusal } from './trpc.ts';
export type { AttachedWorker } from './workers/commands.ts';
