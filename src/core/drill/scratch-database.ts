import type { BackupDatabase } from '../backup/databases.ts';

/** A database of the live set under another name on the same server, or another file. */
export function scratchDatabase({ name, address, source }: BackupDatabase, target: string): BackupDatabase {
  return {
    name,
    ...(source === undefined ? {} : { source }),
    address: async () => {
      const live = await address();
      return { ...live, url: urlWith(live.url, target) };
    },
  };
}

/**
 * A SQLite database in a file, which needs no server that a set would name.
 * @param file absolute
 */
export function fileDatabase(name: string, file: string, workspace: string): BackupDatabase {
  const url = `sqlite:${file}`;
  return { name, source: { name, url }, address: async () => Promise.resolve({ name, url, workspace }) };
}

/** A database's URL with another database in it: everything else says how its server is reached. Pure. */
export function urlWith(url: string, target: string): string {
  if (/^sqlite:/i.test(url)) return `sqlite:${target}`;
  const [, server = '', query = ''] =
    /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)(?:\/[^?#]*)?(\?[^#]*)?/i.exec(url) ?? [];
  // PostgreSQL takes the name as a parameter, too, and that one holds.
  const parameters = query.replace(/([?&])dbname=[^&]*&?/g, '$1').replace(/[?&]$/, '');
  return `${server}/${encodeURIComponent(target)}${parameters}`;
}
