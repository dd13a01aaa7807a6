import { invalid } from '@portolan/core';
import { z } from 'zod';

/** What may be changed while a process runs, by `settings.set` or by reloading the settings document. */
export const settingsSchema = z.strictObject({
  /** How long a cached page or API answer is fresh. */
  cacheTtlMs: z.int().min(1).max(86_400_000),
});
export type SettingValues = z.output<typeof settingsSchema>;
type SettingName = keyof SettingValues;

/** This process's settings. */
export interface Settings {
  get<N extends SettingName>(name: N): SettingValues[N];
  /** Sets one and answers what it was. Throws INVALID for an unknown name or a bad value. */
  set(name: string, value: unknown): unknown;
  assign(values: Partial<SettingValues>): void;
}

export function createSettings(initial: SettingValues): Settings {
  let values = settingsSchema.parse(initial);
  return {
    get: (name) => values[name],
    set(name, value) {
      const known = Object.keys(settingsSchema.shape);
      if (!known.includes(name)) throw invalid(`setting ${name} is unknown; known are ${known.join(', ')}`);
      const result = settingsSchema.partial().safeParse({ [name]: value });
      if (!result.success) throw invalid(`setting ${name}: ${result.error.issues[0]?.message}`);
      const previous = values[name as SettingName];
      values = { ...values, ...result.data };
      return previous;
    },
    assign(some) {
      values = settingsSchema.parse({ ...values, ...some });
    },
  };
}
