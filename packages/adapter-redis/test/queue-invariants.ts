import type { Redis } from 'ioredis';

const FINISHED = ['completed', 'failed', 'cancelled'] as const;

/** Reads all of a queue and answers in words what is not as it must be. `prefix` stands before the queue's own names of keys. */
export async function amiss(redis: Redis, prefix: string): Promise<string[]> {
  const found: string[] = [];
  const key = (part: string) => prefix + part;
  const zset = async (part: string) => {
    const flat = await redis.zrange(key(part), '0', '-1', 'WITHSCORES');
    return new Map(Array.from({ length: flat.length / 2 }, (_, at) => [flat[at * 2] ?? '', Number(flat[at * 2 + 1])]));
  };
  const hash = async (part: string) => new Map(Object.entries(await redis.hgetall(key(part))));
  const set = async (part: string) => new Set(await redis.smembers(key(part)));
  const claim = (holds: boolean, words: string) => {
    if (!holds) found.push(words);
  };

  const bodies = new Set(await redis.hkeys(key('jobs')));
  const stands = new Map<string, string[]>();
  const note = (id: string, state: string) => stands.set(id, [...(stands.get(id) ?? []), state]);
  for (const state of [...FINISHED, 'delayed', 'aside']) for (const id of (await zset(state)).keys()) note(id, state);
  const leased = new Set<string>();
  const sessions = await zset('sessions');
  for (const session of sessions.keys()) {
    for (const id of await redis.hkeys(key(`session:${session}`))) {
      if (id === '') continue;
      note(id, 'active');
      leased.add(id);
    }
  }
  const holes = await set('holes');
  const line = [...(await redis.lrange(key('waiting'), 0, -1)), ...(await zset('ranked')).keys()];
  for (const id of line) if (!holes.has(id)) note(id, 'waiting');
  for (const id of holes) claim(line.filter((one) => one === id).length === 1, `hole ${id} is no place`);
  for (const id of bodies)
    claim(stands.get(id)?.length === 1, `${id} stands in ${stands.get(id)?.join(', ') ?? 'nothing'}`);
  for (const id of stands.keys()) claim(bodies.has(id), `${id} has no body`);

  for (const part of ['marks', 'results', 'errors', 'progress', 'groups', 'parents']) {
    for (const id of (await hash(part)).keys()) claim(bodies.has(id), `${part} of ${id} is a stray`);
  }
  for (const id of (await zset('awaits')).keys()) claim(bodies.has(id), `awaits of ${id} is a stray`);
  for (const id of await set('cancelling')) claim(leased.has(id), `${id} is to be cancelled, and does not run`);
  const isFinished = (id: string) => FINISHED.some((state) => stands.get(id)?.includes(state));
  const marks = await hash('marks');
  const keyOf = (id: string) => /^\d+:\d+:-?\d+:\d+:(.*)$/.exec(marks.get(id) ?? '')?.[1] ?? '';
  const dedupe = await hash('dedupe');
  for (const [name, id] of dedupe) {
    claim(bodies.has(id) && !isFinished(id) && keyOf(id) === name, `the key ${name} is held by ${id}`);
  }
  for (const id of marks.keys()) claim(keyOf(id) === '' || dedupe.get(keyOf(id)) === id, `${id} does not hold its key`);

  const running = await hash('running');
  const groups = await hash('groups');
  const counts = new Map<string, number>();
  for (const id of leased) {
    const group = groups.get(id);
    if (group !== undefined) counts.set(group, (counts.get(group) ?? 0) + 1);
  }
  for (const group of new Set([...running.keys(), ...counts.keys()])) {
    claim(
      Number(running.get(group)) === counts.get(group),
      `${group} runs ${counts.get(group)}, and counts ${running.get(group)}`,
    );
  }
  const ready = await zset('ready');
  const full = await zset('full');
  const sides = new Map<string, Map<string, number>>();
  for (const [id, score] of await zset('aside')) {
    const group = groups.get(id) ?? 'none';
    const side = sides.get(group) ?? (await zset(`side:${group}`));
    sides.set(group, side);
    claim(side.get(id) === score, `${id} is aside, and not in the line of ${group}`);
    claim(ready.has(group) !== full.has(group), `${group} sits in ${ready.has(group) ? 'both' : 'neither'}`);
  }
  for (const [group, score] of [...ready, ...full]) {
    const side = await zset(`side:${group}`);
    claim(Math.min(...side.values()) === score, `${group} does not sit by its first`);
    for (const id of side.keys()) claim(stands.get(id)?.includes('aside') === true, `${id} of ${group} is not aside`);
  }
  const group = (JSON.parse((await redis.get(key('limits'))) ?? '{}') as { group?: { concurrency?: number } }).group;
  const resting = await zset('resting');
  for (const name of full.keys()) {
    const room = (group?.concurrency ?? Number.POSITIVE_INFINITY) > (counts.get(name) ?? 0);
    claim(!room || resting.has(name), `${name} waits for room that it has`);
  }

  const owed = await zset('owed');
  const debts = await hash('debts');
  for (const id of new Set([...owed.keys(), ...debts.keys()]))
    claim(owed.has(id) && debts.has(id), `half a debt of ${id}`);
  const schedules = await zset('schedules');
  for (const part of ['timings', 'templates']) {
    const texts = await hash(part);
    for (const id of new Set([...schedules.keys(), ...texts.keys()])) {
      claim(schedules.has(id) && texts.has(id), `half a schedule ${id}`);
    }
  }
  for (const full_ of await redis.keys(`${prefix.replace(/[{}]/g, '?')}*`)) {
    const [kind = '', id = ''] = full_.slice(prefix.length).split(/:(.*)/s);
    if (kind === 'parts' || kind === 'log') claim(bodies.has(id), `${kind} of ${id} is a stray`);
    if (kind === 'session') claim(sessions.has(id) || (await redis.pttl(full_)) > 0, `session ${id} is a stray`);
    if (kind === 'seen') claim(false, 'a search has left its filter');
  }
  return found;
}

/** Takes an element from a key, or the key; answers what was taken. */
export async function lose(redis: Redis, name: string, nth: number, whole: boolean): Promise<string> {
  const kind = await redis.type(name);
  const pick = (all: readonly string[]) => all.toSorted()[nth % all.length] as string;
  if (kind === 'hash' && !whole) {
    const field = pick(await redis.hkeys(name));
    await redis.hdel(name, field);
    return `${name} ${field}`;
  }
  if (kind === 'zset' && !whole) {
    const member = pick(await redis.zrange(name, '0', '-1'));
    await redis.zrem(name, member);
    return `${name} ${member}`;
  }
  if (kind === 'set' && !whole) {
    const member = pick(await redis.smembers(name));
    await redis.srem(name, member);
    return `${name} ${member}`;
  }
  if (kind === 'list' && !whole) {
    const member = pick(await redis.lrange(name, 0, -1));
    await redis.lrem(name, 1, member);
    return `${name} ${member}`;
  }
  await redis.del(name);
  return name;
}
