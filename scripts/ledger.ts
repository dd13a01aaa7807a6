/** `pnpm ledger [FAULTS]`: the queue's ledger tests on every adapter, with so many faults on each (100 if not said; some 3 s each). */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [faults = '100'] = process.argv.slice(2);
if (!/^[1-9]\d*$/.test(faults)) {
  console.error('ledger: a number of faults, as in pnpm ledger 200');
  process.exit(2);
}
const root = fileURLToPath(new URL('..', import.meta.url));
let failed = 0;
for (const adapter of ['memory', 'sqlite', 'redis']) {
  const config = adapter === 'redis' ? [] : ['--config', `${root}vitest.shared.ts`];
  const run = spawnSync(
    process.execPath,
    [`${root}node_modules/vitest/vitest.mjs`, 'run', ...config, '--root', '.', 'ledger'],
    {
      cwd: `${root}packages/adapter-${adapter}`,
      stdio: 'inherit',
      env: { ...process.env, LEDGER_FAULTS: faults },
    },
  );
  if (run.status !== 0) failed += 1;
}
process.exit(failed === 0 ? 0 : 1);
