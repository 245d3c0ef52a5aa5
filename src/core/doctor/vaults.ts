import { stat, statfs } from 'node:fs/promises';
import { openVault } from '../open.ts';
import type { Surroundings } from '../surroundings.ts';
import type { Task } from '../task.ts';
import { findKey } from '../unlock.ts';
import { lockVault } from '../vault/lock.ts';
import type { Vault } from '../vault/vault.ts';
import { type Check, failed, failedBy, passed, warned } from './check.ts';

const MIB = 1024 * 1024;
/** Less free space than this, and a backup may not fit. */
const LITTLE_SPACE_BYTES = 1024 * MIB;
const NO_SPACE_BYTES = 64 * MIB;
const OTHERS_BITS = 0o077;

/** Whether the vault in a folder opens, is whole at first sight, can be written to, and has space. */
export async function checkVault(
  directory: string,
  keyFile: string | undefined,
  surroundings: Surroundings,
  task: Task,
): Promise<Check[]> {
  let vault: Vault;
  try {
    vault = await openVault(directory, keyFile, surroundings);
  } catch (error) {
    return [failedBy('vault', error)];
  }
  return [
    await checkRecords(vault),
    await checkKey(vault, keyFile, surroundings),
    await checkLock(vault, task),
    await checkSpace(directory),
  ];
}

async function checkRecords(vault: Vault): Promise<Check> {
  const { location } = vault.storage;
  if (vault.config.isCopy) {
    return warned(
      'vault',
      `The vault.json of ${location} is damaged; a copy is used.`,
      'Run “crm-backup repair”.',
    );
  }
  try {
    const { records, damaged } = await vault.records({ fromVault: true });
    if (damaged.length > 0) {
      return failed(
        'vault',
        `${location}: ${damaged.length} of ${records.length + damaged.length} backups cannot be read.`,
        'Run “crm-backup verify”, then “crm-backup repair”.',
      );
    }
    const known = records.filter(({ damagedAt }) => damagedAt !== undefined).length;
    if (known > 0) {
      return failed(
        'vault',
        `${location}: damage was found in ${known} of ${records.length} backups.`,
        'Run “crm-backup verify --level data”, then “crm-backup repair”.',
      );
    }
    return passed('vault', `${location}: ${records.length} ${records.length === 1 ? 'backup' : 'backups'}.`);
  } catch (error) {
    return failedBy('vault', error);
  }
}

async function checkKey(
  vault: Vault,
  keyFile: string | undefined,
  surroundings: Surroundings,
): Promise<Check> {
  const { file } = await findKey(vault.id, keyFile, surroundings);
  if (file === undefined) return passed('key', 'A passphrase opens the vault.');
  const mode = (await stat(file)).mode & 0o777;
  // Windows keeps no such bits: who may read is decided by the user's folder.
  if (surroundings.platform !== 'win32' && (mode & OTHERS_BITS) !== 0) {
    return warned(
      'key',
      `Other users may read the key file ${file} (mode ${mode.toString(8)}).`,
      `Run: chmod 600 ${file}`,
    );
  }
  return passed('key', `${file} opens the vault, and only its user may read it.`);
}

async function checkLock(vault: Vault, task: Task): Promise<Check> {
  try {
    await using _lock = await lockVault(vault.storage, 'shared', { purpose: 'a check' }, task);
    return passed('lock', 'The vault can be written to and is free.');
  } catch (error) {
    const check = failedBy('lock', error);
    return error instanceof Error && 'code' in error && error.code === 'locked'
      ? { ...check, status: 'warning' }
      : check;
  }
}

async function checkSpace(directory: string): Promise<Check> {
  const { bavail, bsize } = await statfs(directory);
  const bytes = bavail * bsize;
  const detail = `${Math.floor(bytes / MIB)} MiB are free at ${directory}.`;
  const hint = 'Free some space: “crm-backup forget” and “crm-backup prune” make the vault smaller.';
  if (bytes < NO_SPACE_BYTES) return failed('disk space', detail, hint);
  return bytes < LITTLE_SPACE_BYTES ? warned('disk space', detail, hint) : passed('disk space', detail);
}
