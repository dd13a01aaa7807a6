import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { join, matchesGlob } from 'node:path';
import { root } from './turbo.ts';

/**
 * Who may import whom (docs/architecture.md). Patterns are matched against what an import names: the file, from the root of the
 * repository, when it is relative, else the module. Cycles are Biome's to find, unused exports knip's.
 */
interface Rule {
  /** The files that the rule is for. */
  readonly of: string;
  readonly only?: readonly string[];
  readonly never?: readonly string[];
  /** May be imported with `import type` only. */
  readonly typeOnly?: readonly string[];
  /** Names that may be imported from nowhere. */
  readonly names?: RegExp;
}

const ADAPTERS = '@portolan/adapter-*';
const RULES: readonly Rule[] = [
  {
    of: 'packages/core/src/**',
    only: ['packages/core/src/**', '@standard-schema/spec', 'croner', 'node:crypto'],
    typeOnly: ['@standard-schema/spec'],
  },
  { of: 'packages/core/src/ports/**', only: ['packages/core/src/ports/**', 'packages/core/src/errors.ts'] },
  { of: 'packages/adapter-memory/src/**', only: ['packages/adapter-memory/src/**', '@portolan/core', 'node:*'] },
  {
    of: 'packages/adapter-redis/src/**',
    only: ['packages/adapter-redis/src/**', '@portolan/core', 'node:*', 'ioredis'],
  },
  { of: 'packages/adapter-sqlite/src/**', only: ['packages/adapter-sqlite/src/**', '@portolan/core', 'node:*'] },
  { of: 'packages/threads/src/**', only: ['packages/threads/src/**', '@portolan/core', 'node:*'] },
  { of: 'packages/testkit/src/**', never: [ADAPTERS, '@portolan/api', '@portolan/platform'] },
  {
    of: 'packages/api/src/**',
    never: [ADAPTERS, '@portolan/platform', '@portolan/testkit'],
    names: /^(KeyValue|Cache|Counter|Document|Queue|Broadcast)Port$/,
  },
  { of: 'packages/api/src/client.ts', typeOnly: ['packages/api/src/**', '@trpc/server'] },
  { of: 'apps/*/src/**', never: [ADAPTERS] },
  { of: 'apps/{client,console}/src/**', never: ['@portolan/core'], typeOnly: ['@portolan/api', '@portolan/server'] },
];

/** Import statements as Biome formats them. */
const IMPORT =
  /^(?:import|export) (type )?([\w*$, ]*(?:\{[^{}]*\})?) ?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm;

let broken = 0;
for await (const found of glob('{packages,apps}/*/src/**/*.ts', { cwd: root })) {
  const file = found.replaceAll('\\', '/');
  for (const [, type, names = '', ...from] of readFileSync(join(root, file), 'utf8').matchAll(IMPORT)) {
    const named = from.find((one) => one !== undefined) ?? '';
    const target = named.startsWith('.') ? join(file, '..', named).replaceAll('\\', '/') : named;
    for (const why of violations(file, target, names, type !== undefined)) {
      console.error(`${file}: ${why}`);
      broken += 1;
    }
  }
}
process.exitCode = broken > 0 ? 1 : 0;

function violations(file: string, target: string, names: string, type: boolean): string[] {
  const among = (patterns: readonly string[] = []) => patterns.some((pattern) => matchesGlob(target, pattern));
  const home = `${file.split('/').slice(0, 2).join('/')}/`;
  const relative = /^(packages|apps|scripts|\.\.)\//.test(target);
  return [
    ...(relative && !target.startsWith(home) ? [`reaches into another package: ${target}`] : []),
    ...RULES.filter((rule) => matchesGlob(file, rule.of)).flatMap((rule) => {
      const banned = names.split(/[\s,{}]+/).filter((name) => rule.names?.test(name));
      return [
        ...(rule.only && !among(rule.only) ? [`may not import ${target}, only ${rule.only.join(', ')}`] : []),
        ...(among(rule.never) ? [`may not import ${target}`] : []),
        ...(!type && among(rule.typeOnly) ? [`may import ${target} with \`import type\` only`] : []),
        ...banned.map((name) => `may not use the port ${name}: features use core's behaviours`),
      ];
    }),
  ];
}
