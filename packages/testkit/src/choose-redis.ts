import { hasRedisServer, startPrivateRedis } from './redis-server.ts';

/** Where the Redis of a test run comes from. */
export type RedisSource =
  | { readonly from: 'url'; readonly url: string }
  | { readonly from: 'docker' }
  | { readonly from: 'binary' }
  | { readonly from: 'nowhere' };

export interface RedisProbes {
  /** `TEST_REDIS_URL`. */
  readonly url: string | undefined;
  dockerAnswers(): Promise<boolean>;
  binaryOnPath(): Promise<boolean>;
}

/** In this order: the named URL, Docker, a `redis-server` on the PATH. Later probes are not asked once an earlier one holds. */
export async function chooseRedis(probes: RedisProbes): Promise<RedisSource> {
  if (probes.url) return { from: 'url', url: probes.url };
  if (await probes.dockerAnswers()) return { from: 'docker' };
  if (await probes.binaryOnPath()) return { from: 'binary' };
  return { from: 'nowhere' };
}

/** What a run without any Redis says, and how to mend it. */
export const NO_REDIS =
  'no Redis for the tests: set TEST_REDIS_URL, or start Docker, or install redis-server (apt-get install redis-server, brew install redis)';

const DOCKER_PROBE_MS = 3_000;
const IMAGE = 'redis:8-alpine';

/** The probes of this machine. */
export function redisProbes(env: NodeJS.ProcessEnv = process.env): RedisProbes {
  return {
    url: env.TEST_REDIS_URL,
    dockerAnswers,
    binaryOnPath: () => hasRedisServer(env.PATH),
  };
}

/** A Redis for one test run. */
export interface TestRedis {
  readonly url: string;
  readonly source: Exclude<RedisSource['from'], 'nowhere'>;
  close(): Promise<void>;
}

/** How the two kinds that must be started are started. */
export interface RedisStarters {
  container(): Promise<TestRedis>;
  binary(): Promise<TestRedis>;
}

/**
 * A real Redis for tests. null when this machine has none; under `CI=true` that is an error, since a run without Redis proves too little.
 * Where Docker answers but cannot start the image (no network, say), a `redis-server` on the PATH stands in. Close it at the end of the run.
 */
export async function startTestRedis(
  env: NodeJS.ProcessEnv = process.env,
  probes: RedisProbes = redisProbes(env),
  start: RedisStarters = { container: startContainer, binary: startBinary },
): Promise<TestRedis | null> {
  const source = await chooseRedis(probes);
  switch (source.from) {
    case 'url':
      return { url: source.url, source: 'url', close: async () => undefined };
    case 'docker':
      return start.container().catch(async (error: unknown) => {
        if (!(await probes.binaryOnPath())) throw error;
        console.warn(`Docker could not start ${IMAGE}, redis-server is used instead: ${error}`);
        return start.binary();
      });
    case 'binary':
      return start.binary();
    case 'nowhere':
      if (isCi(env)) throw new Error(NO_REDIS);
      return null;
  }
}

/** True where a missing Redis must fail the run. */
export function isCi(env: NodeJS.ProcessEnv): boolean {
  return env.CI === 'true' || env.CI === '1';
}

async function startBinary(): Promise<TestRedis> {
  const { url, close } = await startPrivateRedis();
  return { url, source: 'binary', close };
}

/** A container that testcontainers' reaper removes even if this process is killed. */
async function startContainer(): Promise<TestRedis> {
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(IMAGE)
    .withCommand(['redis-server', '--save', '', '--appendonly', 'no'])
    .withExposedPorts(6379)
    .withWaitStrategy(Wait.forLogMessage(/Ready to accept connections/))
    .start();
  return {
    url: `redis://${container.getHost()}:${container.getMappedPort(6379)}`,
    source: 'docker',
    close: async () => void (await container.stop()),
  };
}

/** Asks the way testcontainers will: DOCKER_HOST, its own settings, the usual sockets. */
async function dockerAnswers(): Promise<boolean> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, DOCKER_PROBE_MS, false);
  });
  const answered = getContainerRuntimeClient().then(
    () => true,
    () => false,
  );
  return Promise.race([answered, late]).finally(() => clearTimeout(timer));
}
