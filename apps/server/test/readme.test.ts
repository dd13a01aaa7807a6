import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type DemoSite, startDemoSite } from '@portolan/demo';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from './processes.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));

interface Snippet {
  readonly language: string;
  readonly text: string;
  /** The heading it stands under. */
  readonly under: string;
}

/** The fenced blocks of a document that say what they print. */
async function snippets(path: string): Promise<Snippet[]> {
  const found: Snippet[] = [];
  let under = '';
  let language = '';
  let lines: string[] | undefined;
  for (const line of (await readFile(join(root, path), 'utf8')).split('\n')) {
    const fence = /^```(\w*)$/.exec(line);
    if (fence && lines) {
      if (lines.some((one) => /^(#|\/\/)> ?/.test(one))) found.push({ language, text: lines.join('\n'), under });
      lines = undefined;
    } else if (fence) {
      language = fence[1] ?? '';
      lines = [];
    } else if (lines) lines.push(line);
    else if (line.startsWith('#') || line.startsWith('**')) under = line.replace(/[#*]/g, '').trim().slice(0, 60);
  }
  return found;
}

/** Lines after `#>` or `//>`: what is printed, `…` standing for anything. */
const printed = (text: string): string =>
  text
    .split('\n')
    .filter((line) => /^(#|\/\/)> ?/.test(line))
    .map((line) => line.replace(/^(#|\/\/)> ?/, ''))
    .join('\n');

function expectPrinted(actual: string, pattern: string): void {
  const regex = pattern
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^\\n]*?');
  expect(actual.trim()).toMatch(new RegExp(`^${regex.trim()}$`));
}

const OPENING = `import { memoryAdapter } from '@portolan/adapter-memory';
import { createPortolan, openBackend } from '@portolan/core';
const backend = await openBackend('memory:', { adapters: [memoryAdapter()] });
const portolan = createPortolan(backend);
`;

let site: DemoSite;
let server: TestServer;
let folder: string;

beforeAll(async () => {
  site = await startDemoSite();
  server = await startServer({
    BACKEND_URL: 'memory:',
    UNIVERSITIES_URL: `${site.url}/search`,
    FETCH_ALLOW: `127.0.0.1:${site.port}`,
  });
  // Inside this package, so that the snippets find the packages they import.
  folder = await mkdtemp(join(root, 'apps/server/test/.snippets-'));
});
afterAll(async () => {
  await server?.end();
  await site?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

/** A snippet's text with the addresses of this run. */
const here = (text: string): string =>
  text
    .replaceAll('http://127.0.0.1:8080', server.url)
    .replaceAll('localhost:8080', server.url.replace('http://', ''))
    .replaceAll('127.0.0.1:8090', `127.0.0.1:${site.port}`);

async function runTypeScript(text: string, name: string): Promise<string> {
  const file = join(folder, `${name}.ts`);
  // Imports are hoisted, so the opening may stand before them.
  await writeFile(file, text.includes('// portolan') ? OPENING + text : text);
  const { stdout } = await run(process.execPath, [file]);
  return stdout;
}

const documents = await Promise.all(
  ['README.md', 'docs/writing-an-adapter.md', 'docs/jobs.md'].map(async (path) => ({
    path,
    found: await snippets(path),
  })),
);

describe.each(documents)('$path', ({ found }) => {
  it('has snippets that say what they print', () => {
    expect(found.length).toBeGreaterThan(0);
  });
  it.each(found.map((snippet, at): [string, Snippet] => [`${at + 1} ${snippet.language}: ${snippet.under}`, snippet]))(
    '%s',
    async (name, { language, text }) => {
      const output =
        language === 'ts'
          ? await runTypeScript(here(text), name.replace(/\W+/g, '-'))
          : (await run('bash', ['-c', `${here(text)}\ntrue`])).stdout;
      expectPrinted(output, here(printed(text)));
    },
  );
});
