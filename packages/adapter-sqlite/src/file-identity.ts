import { statSync } from 'node:fs';

/**
 * Which file has the name now, by device and inode; undefined when none has, or none can be seen. Costs some microseconds. It opens nothing: closing any descriptor
 * of a file drops the locks that SQLite holds on it in this process.
 */
export function fileIdentity(path: string): string | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false });
    return found && `${found.dev}:${found.ino}`;
  } catch {
    return undefined;
  }
}
