import { CONFIG_NAME } from './config.ts';
import type { DamageReport } from './damage.ts';
import { VaultError } from './error.ts';
import { readKeyFiles } from './key-file.ts';
import { readNotes } from './notes.ts';
import { readPast } from './past.ts';
import { type BackupRecord, decodeRecord, listRecordIds } from './record.ts';
import { newestFirst } from './record-list.ts';
import type { Vault } from './vault.ts';

/** The names that objects in each folder have. */
const NAMES: Readonly<Record<string, RegExp>> = {
  backups: /^[0-9a-f]{64}$/,
  forgotten: /^[0-9a-f]{64}$/,
  index: /^[0-9a-f]{64}\.idx$/,
  keys: /^[0-9a-f]{32}\.json$/,
  notes: /^[0-9a-f]{64}$/,
  past: /^[0-9a-f]{64}$/,
  packs: /^([0-9a-f]{2})\/\1[0-9a-f]{62}\.pack$/,
};
/** What file managers leave behind. */
const IGNORED = /(^|\/)(\..*|desktop\.ini|Thumbs\.db)$/i;

/** Looks at everything small but records: the configuration, keys and notes, and names that mean nothing. */
export async function inspectObjects(vault: Vault, report: DamageReport): Promise<void> {
  const { storage, keys } = vault;
  if (!(await hasConfig(vault))) {
    report.add(CONFIG_NAME, 'It is damaged or missing; the copy beside a key stands in for it.');
  }
  for (const { name, isIntact } of await readKeyFiles(storage)) {
    if (!isIntact) report.add(name, 'This key is damaged; what it should open may not open with it.');
  }
  for (const name of (await readNotes(storage, keys)).damaged) {
    report.add(name, 'Labels, pins or verifications noted here cannot be read.');
  }
  for (const name of (await readPast(storage, keys)).damaged) {
    report.add(
      name,
      'What is remembered of backups that are gone cannot be read; figures of growth lack it.',
    );
  }
  for (const [folder, pattern] of Object.entries(NAMES)) {
    for (const { name } of await storage.list(folder)) {
      const own = name.slice(folder.length + 1);
      if (!pattern.test(own) && !IGNORED.test(own)) report.add(name, 'Nothing in a vault has such a name.');
    }
  }
}

async function hasConfig(vault: Vault): Promise<boolean> {
  if ((await vault.storage.size(CONFIG_NAME)) === undefined) return false;
  return (await vault.storage.read(CONFIG_NAME)).equals(Buffer.from(vault.config.text));
}

/** The records in a folder, read anew, newest first; those that cannot be read are reported. */
export async function inspectRecords(
  vault: Vault,
  folder: 'backups' | 'forgotten',
  report: DamageReport,
): Promise<BackupRecord[]> {
  const records: BackupRecord[] = [];
  for (const id of await listRecordIds(vault.storage, folder)) {
    const name = `${folder}/${id}`;
    try {
      records.push(decodeRecord(vault.keys, id, await vault.storage.read(name)));
    } catch (error) {
      if ((await vault.storage.size(name)) === undefined) continue;
      if (!(error instanceof VaultError) || error.code !== 'damaged') throw error;
      report.add(name, 'This record is damaged: what its backup holds is not known.');
      report.affectWhole(name, id);
    }
  }
  return records.sort(newestFirst);
}

/** Where a record may be, or stood until a repair. */
const RECORD_FOLDERS = ['backups', 'forgotten', 'damaged/backups', 'damaged/forgotten'];

/**
 * Reports backups that others are told against, and of which there is neither a record nor a memory that they were
 * forgotten; their ids. One that no other is told against leaves no trace.
 */
export async function inspectMissing(
  { storage, keys }: Vault,
  newestFirst: readonly BackupRecord[],
  report: DamageReport,
): Promise<string[]> {
  const toldAgainst = new Map(
    newestFirst.flatMap(({ base, id }) => (base === undefined ? [] : [[base, id] as const])),
  );
  for (const { id } of newestFirst) toldAgainst.delete(id);
  for (const id of toldAgainst.keys()) {
    const sizes = await Promise.all(RECORD_FOLDERS.map(async (folder) => storage.size(`${folder}/${id}`)));
    if (sizes.some((size) => size !== undefined)) toldAgainst.delete(id);
  }
  if (toldAgainst.size === 0) return [];
  // Last: a prune remembers a backup before its record goes. Without all of it nobody knows what was forgotten.
  const past = await readPast(storage, keys);
  if (past.damaged.length + (await storage.list('damaged/past')).length > 0) return [];
  for (const { id } of past.backups) toldAgainst.delete(id);
  for (const [id, by] of toldAgainst) {
    const name = `backups/${id}`;
    report.add(
      name,
      `This record is gone, and nothing says that its backup was forgotten; backup ${by.slice(0, 8)}, which is whole without it, was told against it. Until the next prune the record alone, from a copy of the vault, brings the backup back.`,
    );
    report.affectWhole(name, id);
  }
  return [...toldAgainst.keys()];
}
