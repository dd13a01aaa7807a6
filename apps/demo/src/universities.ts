import { existsSync, readFileSync } from 'node:fs';

/** One entry as universities.hipolabs.com answers it. */
export interface University {
  readonly name: string;
  readonly country: string;
  readonly alpha_two_code: string;
  readonly 'state-province': string | null;
  readonly domains: readonly string[];
  readonly web_pages: readonly string[];
}

/** Sixty entries of the Hipo university list (MIT, see universities.LICENSE.txt), enough for a clone without the whole list. */
const SAMPLE = new URL('./universities.json', import.meta.url);
/** The whole list, where it stands beside the repository. */
const BESIDE = new URL('../../../../shared/data/universities.json', import.meta.url);

function isUniversity(value: unknown): value is University {
  if (typeof value !== 'object' || value === null) return false;
  const entry = value as Record<string, unknown>;
  return typeof entry.name === 'string' && typeof entry.country === 'string';
}

function readList(file: string | URL): University[] {
  const list: unknown = JSON.parse(readFileSync(file, 'utf8'));
  if (!Array.isArray(list) || !list.every(isUniversity)) throw new Error(`${file} is not a list of universities`);
  return list;
}

/** The list that UNIVERSITIES_FILE names, else the whole one beside the repository, else the built-in sample. */
export function loadUniversities(environment: NodeJS.ProcessEnv = process.env): readonly University[] {
  if (environment.UNIVERSITIES_FILE) return readList(environment.UNIVERSITIES_FILE);
  return readList(existsSync(BESIDE) ? BESIDE : SAMPLE);
}

/** Entries whose country and name contain what is asked for, case ignored; what is not asked for excludes nothing. */
export function searchUniversities(
  list: readonly University[],
  { country, name }: { country?: string | null; name?: string | null },
): University[] {
  const wantedCountry = country?.toLowerCase() ?? '';
  const wantedName = name?.toLowerCase() ?? '';
  return list.filter(
    (entry) => entry.country.toLowerCase().includes(wantedCountry) && entry.name.toLowerCase().includes(wantedName),
  );
}
