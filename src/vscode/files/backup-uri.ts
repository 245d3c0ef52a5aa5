/**
 * Addresses of what stands in a backup: `crm-backup:/<set>/<backup>/files/<root>/…`. An address is made of
 * characters, a name on disk of bytes; bytes that are no UTF-8 (lone surrogates U+DC80…U+DCFF in our strings)
 * are written as private-use characters U+F780…U+F7FF, and names that hold such characters themselves are
 * escaped with U+F700. Pure.
 */

export { displayName } from '../../core/printable.ts';

/** The scheme of addresses in backups. */
export const BACKUP_SCHEME = 'crm-backup';

/** Which entry of which backup an address names; `path` is '' for the top of the backup. */
export interface BackupAddress {
  readonly set: string;
  /** A backup's id or a reference to it. */
  readonly backup: string;
  readonly path: string;
}

/** The parts of a URI that name an entry. */
export interface ComparedPath {
  readonly path: string;
  readonly query: string;
}

const ESCAPE = '\uf700';

/** The path of an address, to be put in a URI. */
export function addressToPath({ set, backup, path }: BackupAddress): string {
  const top = `/${toCharacters(set)}/${backup}`;
  return path === '' ? top : `${top}/${toCharacters(path)}`;
}

/**
 * A second way to address an entry, for comparing: the path is the entry's own (so that both sides of a comparison
 * have the same, and a short one), the rest stands in the query.
 */
export function addressToComparedPath(address: BackupAddress): ComparedPath {
  return { path: `/${toCharacters(pathInWorkspace(address.path))}`, query: JSON.stringify(address) };
}

/** An entry's path without what people need not see: `files/`, and the name of the unnamed root. */
export function pathInWorkspace(path: string): string {
  return path.replace(/^files\/(?:workspace\/)?/, '');
}

/** What a URI names; undefined when it is above all backups. */
export function toAddress({ path, query }: ComparedPath): BackupAddress | undefined {
  return query === '' ? pathToAddress(path) : queryToAddress(query);
}

function queryToAddress(query: string): BackupAddress | undefined {
  try {
    const { set, backup, path } = JSON.parse(query) as Partial<Record<keyof BackupAddress, unknown>>;
    const isAddress = typeof set === 'string' && typeof backup === 'string' && typeof path === 'string';
    return isAddress ? { set, backup, path } : undefined;
  } catch {
    return undefined;
  }
}

function pathToAddress(path: string): BackupAddress | undefined {
  const [set, backup, ...rest] = path.split('/').filter((part) => part !== '');
  if (set === undefined || backup === undefined) return undefined;
  return { set: fromCharacters(set), backup, path: fromCharacters(rest.join('/')) };
}

function toCharacters(path: string): string {
  return path.replace(/[\uf700-\uf7ff]|[\udc80-\udcff]/gu, (unit) => {
    const code = unit.charCodeAt(0);
    return code >= 0xf700 ? ESCAPE + unit : String.fromCharCode(0xf700 + (code & 0xff));
  });
}

function fromCharacters(path: string): string {
  return path.replace(/\uf700([\s\S])|[\uf780-\uf7ff]/gu, (unit, escaped: string | undefined) => {
    return escaped ?? String.fromCharCode(0xdc00 + (unit.charCodeAt(0) & 0xff));
  });
}
