import {
  decodeSealed,
  encodeSealed,
  JobCipher,
  type PayloadKey,
  readObject,
  type Sealed,
  sealedOf,
} from './job-cipher.ts';
import type { QueuePort } from './ports/queue.ts';
import type { Amendment } from './ports/queue-amend.ts';
import type { LeasedJob, Settlement } from './ports/queue-exchange.ts';
import type { OwedPart } from './ports/queue-flow.ts';
import type { JobRecord, QueueInspected } from './ports/queue-inspect.ts';
import type { NewJob } from './ports/queue-push.ts';

/**
 * The port with everything that jobs carry encrypted on its way in and decrypted on its way out: data, progress, results, logs, the messages of errors,
 * the templates of schedules. In clear remain the names of jobs, queues and schedules, ids, those of parents and children, the names of children, dedupe keys, groups,
 * priorities, the timings of schedules, error codes, numbers and times. What was stored in clear is read as it is, and what cannot be
 * decrypted stays as it is, for `toJobStatus` and the worker to tell. Every text is bound to its queue and job; the data of a job whose place newer data may
 * take (`dedupe: 'replace'`) to its queue and dedupe key, since which job that will be is not known when it is pushed.
 */
export function encryptedQueue(port: QueuePort, keys: readonly PayloadKey[]): QueuePort {
  const cipher = new JobCipher(keys);

  const seal = (text: string, place: string): string => encodeSealed(cipher.seal(text, place));
  const open = <T extends string | null>(text: T, place: string): T => {
    const sealed = text === null ? undefined : decodeSealed(text);
    return ((sealed && cipher.open(sealed, place)) ?? text) as T;
  };

  function sealBody(body: string, queue: string, { id, dedupe = 'keep', dedupeKey }: Omit<NewJob, 'body'>): string {
    const { data, ...head } = JSON.parse(body) as { readonly data: unknown };
    const text = JSON.stringify(data);
    if (dedupe === 'keep' || dedupeKey === undefined) {
      return JSON.stringify({ ...head, sealed: cipher.seal(text, `data:${queue}:${id}`) });
    }
    return JSON.stringify({ ...head, sealed: { ...cipher.seal(text, `dedupe:${queue}:${dedupeKey}`), dedupeKey } });
  }

  function openBody(body: string, queue: string, id: string): string {
    const { sealed, ...head } = readObject(body);
    const box = sealedOf({ sealed });
    if (!box) return body;
    const { dedupeKey } = box as Sealed & { readonly dedupeKey?: unknown };
    const place = dedupeKey === undefined ? `data:${queue}:${id}` : `dedupe:${queue}:${dedupeKey}`;
    const data = cipher.open(box, place);
    return data === undefined ? body : `${JSON.stringify(head).slice(0, -1)},"data":${data}}`;
  }

  function sealError(error: string, queue: string, id: string): string {
    const { code, message } = readObject(error);
    return JSON.stringify({ code, sealed: cipher.seal(String(message), `error:${queue}:${id}`) });
  }

  function openError(error: string | null, queue: string, id: string): string | null {
    const { sealed, ...head } = error === null ? {} : readObject(error);
    const box = sealedOf({ sealed });
    const message = box && cipher.open(box, `error:${queue}:${id}`);
    return message === undefined ? error : JSON.stringify({ ...head, message });
  }

  const sealJob =
    (queue: string) =>
    (job: NewJob): NewJob => ({ ...job, body: sealBody(job.body, queue, job) });

  function settle(queue: string, settled: Settlement): Settlement {
    if (settled.outcome === 'released') return settled;
    const { id } = settled;
    if (settled.outcome === 'completed') return { ...settled, result: seal(settled.result, `result:${queue}:${id}`) };
    return { ...settled, error: sealError(settled.error, queue, id) };
  }

  const lease = (queue: string, job: LeasedJob): LeasedJob => ({ ...job, body: openBody(job.body, queue, job.id) });

  const record = (queue: string, job: JobRecord): JobRecord => ({
    ...job,
    body: openBody(job.body, queue, job.id),
    progress: open(job.progress, `progress:${queue}:${job.id}`),
    result: open(job.result, `result:${queue}:${job.id}`),
    error: openError(job.error, queue, job.id),
  });

  const partOf = (queue: string, id: string, part: string): string => JSON.stringify(['part', queue, id, part]);

  function owed(queue: string, entry: OwedPart): OwedPart {
    const { id, state, text } = entry;
    const opened = state === 'completed' ? open(text, `result:${queue}:${id}`) : openError(text, queue, id);
    return { ...entry, text: opened };
  }

  /** Each kind by name, so that a new one is not stored in clear by oversight. */
  function amendment(queue: string, given: Amendment): Amendment {
    switch (given.do) {
      case 'retry':
        return given.body === undefined ? given : { ...given, body: sealBody(given.body, queue, plainJob(given.id)) };
      case 'progress':
        return { ...given, progress: seal(given.progress, `progress:${queue}:${given.id}`) };
      case 'log':
        return { ...given, lines: given.lines.map((line) => seal(line, `log:${queue}:${given.id}`)) };
      case 'schedule':
        return { ...given, template: seal(given.template, `template:${queue}:${given.id}`) };
      case 'fire': {
        const { id, renew } = given;
        const renewed = renew && { renew: { ...renew, to: seal(renew.to, `template:${queue}:${id}`) } };
        return { ...given, jobs: given.jobs.map(sealJob(queue)), ...renewed };
      }
      case 'deliver': {
        const { id, part, text, fail } = given;
        const failing = fail === undefined ? {} : { fail: sealError(fail, queue, id) };
        return { ...given, text: seal(text, partOf(queue, id, part)), ...failing };
      }
      case 'cancel':
      case 'promote':
      case 'remove':
      case 'pause':
      case 'resume':
      case 'limit':
      case 'unschedule':
      case 'strike':
      case 'defer':
        return given;
    }
  }

  return {
    ...(port.lanes === undefined ? {} : { lanes: port.lanes }),
    push: async (queue, jobs) => port.push(queue, jobs.map(sealJob(queue))),
    async exchange(queue, request) {
      const settled = request.settled.map((one) => settle(queue, one));
      const result = await port.exchange(queue, { ...request, settled });
      return { ...result, jobs: result.jobs.map((job) => lease(queue, job)) };
    },
    beat: (queue, session, leaseMs) => port.beat(queue, session, leaseMs),
    sweep: (queue, policy) => port.sweep(queue, policy),
    wait: (queues, signal) => port.wait(queues, signal),
    async inspect(inspection): Promise<QueueInspected> {
      const found = await port.inspect(inspection);
      switch (inspection.of) {
        case 'names':
        case 'queues':
          return found;
        case 'jobs':
        case 'state':
          return { ...found, jobs: found.jobs.map((job) => record(inspection.queue, job)) };
        case 'logs': {
          const { queue, id } = inspection;
          return {
            ...found,
            logs: found.logs?.map(({ at, line }) => ({ at, line: open(line, `log:${queue}:${id}`) })),
          };
        }
        case 'owed':
          return { ...found, owed: (found.owed ?? []).map((entry) => owed(inspection.queue, entry)) };
        case 'parts': {
          const { queue, id } = inspection;
          const parts = (found.parts ?? []).map((one) => ({
            ...one,
            text: open(one.text, partOf(queue, id, one.part)),
          }));
          return { ...found, parts };
        }
        case 'schedules': {
          const { queue } = inspection;
          const list = found.schedules?.list.map((one) => {
            const template = open(one.template, `template:${queue}:${one.id}`);
            const current = decodeSealed(one.template)?.key === keys[0]?.id;
            return { ...one, template, ...(current ? {} : { outdated: one.template }) };
          });
          return found.schedules && list ? { ...found, schedules: { ...found.schedules, list } } : found;
        }
      }
    },
    amend: async (queue, given) => port.amend(queue, amendment(queue, given)),
  };
}

const plainJob = (id: string): Omit<NewJob, 'body'> => ({ id, priority: 0, delayMs: 0 });
