import { parseArgs } from 'node:util';
import { startDemoSite } from './site.ts';

const { values } = parseArgs({
  options: { port: { type: 'string', default: '8090' }, host: { type: 'string', default: '127.0.0.1' } },
});

try {
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`--port ${values.port} is not a port`);
  const site = await startDemoSite({ port, host: values.host });
  console.log(`demo site on ${site.url}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void site.close());
} catch (error) {
  console.error(`demo site: ${(error as Error).message}`);
  process.exitCode = 1;
}
