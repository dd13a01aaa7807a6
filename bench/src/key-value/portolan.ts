import { openPortolan } from '../harness/portolan.ts';
import { VALUE } from '../harness/value.ts';
import { competeWithStore } from './works.ts';

competeWithStore(async (task) => {
  const { keyValue } = await openPortolan(task);
  return { set: (key) => keyValue.set(key, VALUE), get: (key) => keyValue.get(key) };
});
