import { createRuntime } from '@portolan/core';
import { sqliteAdapter } from '../src/index.ts';

/** Appends `count` messages to a topic, at uneven intervals around `pauseMs`; each is the moment (ns, monotonic) at which it was sent. */
const [file = '', namespace = '', topic = '', count = '0', pauseMs = '0'] = process.argv.slice(2);
const runtime = createRuntime();
const backend = await sqliteAdapter().open(`sqlite:${file}`, { namespace, runtime, deadlineMs: 5_000 });
for (let n = 0; n < Number(count); n++) {
  await runtime.sleep(Number(pauseMs) * (0.5 + Math.random()));
  const data = String(process.hrtime.bigint());
  await backend.broadcast.append(topic, [{ data }], { count: 10_000, ms: 600_000, resumeMs: 600_000 });
  console.log(data);
}
await backend.close();
