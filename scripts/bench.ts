/** `pnpm bench NAME` runs `bench/src/NAME.ts`; without a name it says which there are. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../bench/src', import.meta.url));
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && !file.endsWith('-server.ts'))
  .map((file) => file.slice(0, -3));
const [name = '', ...args] = process.argv.slice(2);
if (!names.includes(name)) {
  console.error(`bench: name one of: ${names.join(', ')}`);
  process.exit(2);
}
process.exit(
  spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', `${folder}/${name}.ts`, ...args], {
    stdio: 'inherit',
  }).status ?? 1,
);
