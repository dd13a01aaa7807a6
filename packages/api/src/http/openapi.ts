import { z } from 'zod';
import { type RestProcedure, restProcedures } from './procedures.ts';

type JsonSchema = Record<string, unknown> & { properties?: Record<string, JsonSchema>; required?: string[] };

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output'): JsonSchema => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  return rest;
};

const ERROR_SCHEMA: JsonSchema = {
  type: 'object',
  properties: {
    code: { type: 'string' },
    message: { type: 'string' },
    issues: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: { type: 'array', items: { type: ['string', 'integer'] } }, message: { type: 'string' } },
        required: ['path', 'message'],
      },
    },
  },
  required: ['code', 'message'],
};

/** The OpenAPI 3.1 document of everything under `/api`, made from the procedures themselves. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const procedure of restProcedures()) {
    const path = `/api${procedure.route.path}`;
    paths[path] = { ...paths[path], [procedure.route.method.toLowerCase()]: operation(procedure) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portolan',
      version,
      description: 'Key-value, cache, counter, document, queue and broadcast over one API.',
    },
    paths,
    components: {
      schemas: { Error: ERROR_SCHEMA },
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
    },
    security: [{}, { token: [] }],
  };
}

function operation({ name, type, route, summary, input, output }: RestProcedure): object {
  const schema = input ? jsonSchema(input, 'input') : {};
  const properties = schema.properties ?? {};
  const required = new Set(schema.required ?? []);
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string);
  const inHeader = new Map(Object.entries(route.headers ?? {}).map(([header, field]) => [field, header]));
  const hasBody = route.method !== 'GET' && route.method !== 'DELETE';
  const inBody = Object.keys(properties).filter((field) => hasBody && !inPath.includes(field) && !inHeader.has(field));
  const parameters = Object.entries(properties)
    .filter(([field]) => !inBody.includes(field))
    .map(([field, fieldSchema]) => ({
      name: inHeader.get(field) ?? field,
      in: inPath.includes(field) ? 'path' : inHeader.has(field) ? 'header' : 'query',
      required: inPath.includes(field) || (!inHeader.has(field) && required.has(field)),
      schema: fieldSchema,
    }));
  const bodySchema = route.body
    ? properties[route.body]
    : { type: 'object', properties: pick(properties, inBody), required: inBody.filter((field) => required.has(field)) };
  const answer =
    type === 'subscription'
      ? { 'text/event-stream': { schema: { type: 'string' } } }
      : // A reply that is not the output itself is shaped by code, so only its being JSON is promised.
        { 'application/json': { schema: output && !route.reply ? jsonSchema(output, 'output') : {} } };
  const failure = {
    description: 'Refused or failed',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
  };
  return {
    operationId: name,
    summary,
    tags: [name.split('.')[0]],
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(inBody.length > 0
      ? { requestBody: { required: true, content: { 'application/json': { schema: bodySchema } } } }
      : {}),
    responses: { [String(route.status ?? 200)]: { description: 'Answered', content: answer }, default: failure },
  };
}

function pick(properties: Record<string, JsonSchema>, names: readonly string[]): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(properties).filter(([name]) => names.includes(name)));
}
