/** `pnpm bench NAME` runs `bench/src/NAME.ts`; without a name all comparisons run, and docs/benchmarks.md is written. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../bench/src', import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
const given = process.argv.slice(2);
const [name = 'all', ...args] = given[0]?.startsWith('-') ? ['all', ...given] : given;
if (!names.includes(name)) {
  console.error(`bench: name one of: ${names.join(', ')}`);
  process.exit(2);
}
const command = ['--disable-warning=ExperimentalWarning', `${folder}/${name}.ts`, ...args];
process.exit(spawnSync(process.execPath, command, { stdio: 'inherit' }).status ?? 1);
