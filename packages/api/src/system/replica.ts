import { type Collection, defineCollection, PortolanError } from '@portolan/core';
import { type Settings, type SettingValues, settingsSchema } from './settings.ts';

/** Settings that every process reads at its start and at `data.reload`: the document `current`. */
export const settingsCollection = defineCollection({ name: 'settings', schema: settingsSchema.partial() });
const CURRENT = 'current';

type Reload = (id: string) => Promise<{ revision: number | null }>;

/** What a process holds of the store's documents, and how it reads each kind again. */
export class Replica {
  readonly #reloads: ReadonlyMap<string, Reload>;

  constructor(settings: Settings, stored: Collection<Partial<SettingValues>>, others: ReadonlyMap<string, Reload>) {
    this.#reloads = new Map<string, Reload>([
      ...others,
      [
        settingsCollection.name,
        async (id) => {
          const found = await stored.get(id);
          if (found && id === CURRENT) settings.assign(found.value);
          return { revision: found?.revision ?? null };
        },
      ],
    ]);
  }

  /** Reads a document again; answers its revision, or null when it is not there. */
  async reload(collection: string, id: string): Promise<{ collection: string; id: string; revision: number | null }> {
    const reload = this.#reloads.get(collection);
    if (!reload) {
      const known = [...this.#reloads.keys()].join(', ');
      throw new PortolanError('NOT_FOUND', `collection ${collection} is not held by processes; known are ${known}`);
    }
    return { collection, id, ...(await reload(id)) };
  }

  /** At the start of a process. */
  start = () => this.reload(settingsCollection.name, CURRENT);
}
