/** What stands for a value that differs from run to run by its nature. */
const BY_NAME: Readonly<Record<string, string>> = {
  ageMs: 'number',
  cursor: 'string',
  fetchedAt: 'string',
  host: 'string',
  instance: 'string',
  jobId: 'string',
  ms: 'number',
  pid: 'number',
  ttlMs: 'number',
  uptimeMs: 'number',
};

const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
/** Job ids and message ids: `QUEUE:id`, `INCARNATION-SEQUENCE`. */
const JOB_ID = /\b(default|pages|e2e-[\w-]+):[0-9A-Za-z_-]{8,}/g;
const MESSAGE_ID = /^[0-9A-Za-z]+-(\d+)$/;
/** Ids that a process draws: time-ordered, in hexadecimal. */
const DRAWN_ID = /\b[0-9a-f]{32}\b/g;
const PORT = /127\.0\.0\.1:\d+/g;

/**
 * An answer without ids, times and addresses, which differ by nature. What is the same for the same input wherever it is stored stays:
 * versions (digests of contents), revisions, sizes, messages.
 */
export function normalise(value: unknown, name = ''): unknown {
  if (typeof value === BY_NAME[name]) return `<${name}>`;
  if (typeof value === 'string') {
    const text = value
      .replace(TIME, '<time>')
      .replace(JOB_ID, '$1:<id>')
      .replace(DRAWN_ID, '<id>')
      .replace(PORT, '<site>');
    return name === 'id' ? text.replace(MESSAGE_ID, '<log>-$1') : text;
  }
  if (Array.isArray(value)) return value.map((one) => normalise(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, normalise(one, key)]));
}
