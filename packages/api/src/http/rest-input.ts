import { invalid } from '@portolan/core';
import { z } from 'zod';
import type { RestProcedure } from './procedures.ts';

/** What a request brings, before it is a procedure's input. */
export interface RestRequest {
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  /** The body's text; empty for none. */
  readonly body: string;
}

type Kind = 'number' | 'boolean' | 'other';

/** Builds a procedure's input from requests. Text from path, query and headers becomes a number or boolean where the schema wants one. */
export function restInput({ route, input }: RestProcedure): (request: RestRequest) => unknown {
  if (!input) return () => undefined;
  const kinds = fieldKinds(input);
  return ({ params, query, headers, body }) => {
    // Without a prototype, so that a member called __proto__ is one like any other.
    const fields: Record<string, unknown> = Object.create(null);
    const put = (name: string, text: string) => {
      fields[name] = fromText(name, text, kinds.get(name) ?? 'other');
    };
    for (const [name, text] of query) put(name, text);
    if (body !== '') {
      const value = parseBody(body);
      if (route.body) fields[route.body] = value;
      else if (isRecord(value)) Object.assign(fields, value);
      else throw invalid('body: expected a JSON object');
    }
    for (const [header, name] of Object.entries(route.headers ?? {})) {
      const text = headers.get(header);
      if (text !== null) put(name, unquote(text));
    }
    // Last, so that neither body nor query can speak for another resource than the path names.
    for (const [name, text] of Object.entries(params)) put(name, text);
    return fields;
  };
}

function parseBody(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw invalid('body: not JSON');
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An entity tag as its bare text: `"7"` and `W/"7"` are 7. */
function unquote(text: string): string {
  return /^(?:W\/)?"(.*)"$/.exec(text.trim())?.[1] ?? text.trim();
}

function fromText(name: string, text: string, kind: Kind): unknown {
  if (kind === 'number') {
    if (!/^-?\d+(\.\d+)?$/.test(text))
      throw invalid(`${name}: expected a number, got ${JSON.stringify(text.slice(0, 40))}`);
    return Number(text);
  }
  if (kind === 'boolean') {
    if (text === 'true' || text === '1' || text === '') return true;
    if (text === 'false' || text === '0') return false;
    throw invalid(`${name}: expected true or false, got ${JSON.stringify(text.slice(0, 40))}`);
  }
  return text;
}

function fieldKinds(input: z.ZodType): ReadonlyMap<string, Kind> {
  const schema = z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, { type?: string; anyOf?: { type?: string }[] }>;
  };
  const kindOf = (type: string | undefined): Kind =>
    type === 'integer' || type === 'number' ? 'number' : type === 'boolean' ? 'boolean' : 'other';
  return new Map(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [
      name,
      kindOf(property.type ?? property.anyOf?.find((one) => one.type !== 'null')?.type),
    ]),
  );
}
