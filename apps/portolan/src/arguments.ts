import { parseArgs } from 'node:util';
import { invalid, TRANSFER_PARTS, type TransferPart } from '@portolan/core';
import { readConfig } from '@portolan/platform';

export const USAGE = `portolan: moves, inspects, repairs, backs up and restores what a store holds.

  portolan copy <from-url> <to-url> [--parts a,b] [--state FILE] [--into-existing]
      copies everything into an empty store, verifies both sides at the end; killed half-way, the same command goes on
  portolan inspect [<url>] [--json]
      prints what a store holds, by port, with sizes, expiries and digests
  portolan repair [<url>] [--dry-run] [--json]
      looks whether the queues of a store agree with themselves, and repairs them; safe while they are used
  portolan backup <file>
      writes the SQLite store of BACKEND_URL to a new file, while it is used
  portolan restore <file>
      puts a backup in the place of the SQLite store of BACKEND_URL, which nobody may have open

  --namespace NAME   whose data (NAMESPACE, portolan); a backup holds all namespaces
  --parts a,b        only these: ${TRANSFER_PARTS.join(', ')}
  --state FILE       where a copy notes how far it is (a file under .data/ named after the copy)
  --into-existing    copies although the target holds something; what it has beyond the source stays, and is told as a difference
  --page-size N      records copied at a time, 1 to 1000 (500); fewer where they are large
  --dry-run          tells what would be repaired, and changes nothing
  --json             for programs
  --help             this text

URLs: sqlite:.data/portolan.db, redis://[[user]:password@]host[:port][/database], rediss://… Stop servers and workers before a copy:
what changes meanwhile may be missing from it, and shows up as a difference.`;

export interface CopyCommand {
  readonly command: 'copy';
  readonly from: string;
  readonly to: string;
  readonly namespace: string;
  readonly parts: readonly TransferPart[];
  readonly stateFile: string | undefined;
  readonly intoExisting: boolean;
  readonly pageSize: number;
}

export interface InspectCommand {
  readonly command: 'inspect';
  readonly url: string;
  readonly namespace: string;
  readonly parts: readonly TransferPart[];
  readonly json: boolean;
}

export interface RepairCommand {
  readonly command: 'repair';
  readonly url: string;
  readonly namespace: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

export interface FileCommand {
  readonly command: 'backup' | 'restore';
  readonly url: string;
  readonly namespace: string;
  readonly file: string;
}

export type Command = CopyCommand | InspectCommand | RepairCommand | FileCommand | { readonly command: 'help' };

const NAMESPACE = /^[A-Za-z0-9_.-]{1,64}$/;
/** Where else it is an error rather than ignored. */
const OPTIONS_OF: Readonly<Record<string, readonly string[]>> = {
  copy: ['namespace', 'parts', 'state', 'page-size', 'into-existing'],
  inspect: ['namespace', 'parts', 'json'],
  repair: ['namespace', 'dry-run', 'json'],
  backup: ['namespace'],
  restore: ['namespace'],
};

/** Throws INVALID in words that tell what to write instead; no message repeats a URL. */
export function readCommand(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Command {
  const { values, positionals } = parse(args[0] === '--' ? args.slice(1) : [...args]);
  const [command, ...operands] = positionals;
  if (values.help || command === undefined || command === 'help') return { command: 'help' };
  const options = OPTIONS_OF[command];
  if (!options)
    throw invalid(
      `unknown command${/^[\w-]{1,40}$/.test(command) ? ` ${command}` : ''}; known are copy, inspect, repair, backup and restore`,
    );
  for (const [name, value] of Object.entries(values)) {
    if (name !== 'help' && value !== false && !options.includes(name)) throw invalid(`${command} knows no --${name}`);
  }
  // Of the whole configuration, only these two concern a tool.
  const { backendUrl, namespace: own } = readConfig({
    BACKEND_URL: env.BACKEND_URL,
    REDIS_URL: env.REDIS_URL,
    NAMESPACE: env.NAMESPACE,
  });
  const namespace = values.namespace ?? own;
  if (!NAMESPACE.test(namespace)) throw invalid('--namespace: 1 to 64 letters, digits, dots, dashes or underscores');
  const parts = readParts(values.parts);
  const [first, second] = operands;
  switch (command) {
    case 'copy': {
      if (first === undefined || second === undefined || operands.length > 2) {
        throw invalid('copy takes two URLs, as in: portolan copy sqlite:.data/portolan.db redis://127.0.0.1:6379');
      }
      if (first === second) throw invalid('copy: both URLs are the same store');
      return {
        command,
        from: storeUrl(first),
        to: storeUrl(second),
        namespace,
        parts,
        stateFile: values.state,
        intoExisting: values['into-existing'],
        pageSize: readPageSize(values['page-size']),
      };
    }
    case 'inspect':
      if (operands.length > 1) throw invalid('inspect takes one URL, or none for BACKEND_URL');
      return { command, url: storeUrl(first ?? backendUrl), namespace, parts, json: values.json };
    case 'repair':
      if (operands.length > 1) throw invalid('repair takes one URL, or none for BACKEND_URL');
      return { command, url: storeUrl(first ?? backendUrl), namespace, dryRun: values['dry-run'], json: values.json };
    default: {
      if (first === undefined || operands.length > 1) throw invalid(`${command} takes the name of a file`);
      if (!/^sqlite:/i.test(backendUrl)) {
        throw invalid(
          `${command}: BACKEND_URL must be a sqlite: store; an example is BACKEND_URL=sqlite:.data/portolan.db`,
        );
      }
      return { command: command === 'backup' ? 'backup' : 'restore', url: backendUrl, namespace, file: first };
    }
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        namespace: { type: 'string' },
        parts: { type: 'string' },
        state: { type: 'string' },
        'page-size': { type: 'string' },
        'dry-run': { type: 'boolean', default: false },
        'into-existing': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw invalid(error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error));
  }
}

function readPageSize(text = '500'): number {
  const size = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (size < 1 || size > 1_000) throw invalid('--page-size: a whole number from 1 to 1000');
  return size;
}

function readParts(text: string | undefined): readonly TransferPart[] {
  if (text === undefined) return TRANSFER_PARTS;
  const named = text.split(',').map((one) => one.trim());
  const stray = named.find((one) => !TRANSFER_PARTS.some((part) => part === one));
  if (stray !== undefined)
    throw invalid(`--parts: unknown ${JSON.stringify(stray.slice(0, 40))}; known are ${TRANSFER_PARTS.join(', ')}`);
  return TRANSFER_PARTS.filter((part) => named.includes(part));
}

function storeUrl(url: string): string {
  if (!/^[a-z][a-z0-9+.-]*:/i.test(url))
    throw invalid('a store is named by a URL with a scheme, as in sqlite:.data/portolan.db');
  if (/^memory:/i.test(url))
    throw invalid('memory: lives and ends with its process: there is nothing to copy, inspect or repair from outside');
  return url;
}
