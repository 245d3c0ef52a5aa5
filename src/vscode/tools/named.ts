import * as vscode from 'vscode';
import type { BackupSummary } from '../../engine/protocol.ts';
import type { App } from '../app.ts';
import { EditorError } from '../error.ts';
import type { FoundSet } from '../sets.ts';

/** What every tool can be told. */
export interface OfSet {
  /** A set’s name; needed where there are several. */
  readonly set?: string;
}

/** The set an agent means. Its questions cannot be asked back, so what is unclear is an error that names the choices. */
export async function setNamed({ sets }: Pick<App, 'sets'>, { set }: OfSet): Promise<FoundSet> {
  await sets.refresh();
  const all = sets.all();
  const found = all.filter((each) => set === undefined || each.set === set);
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const names = all.map((each) => `“${each.set}”`).join(', ');
  if (all.length === 0) {
    throw new EditorError('no-set', 'There is no backup set in this workspace; the user can create one.');
  }
  throw new EditorError('no-set', `Name one of the backup sets: ${names}.`);
}

/** The backup an agent means: an id, a part of one, `latest`, `latest-full` or `latest~N`. */
export function backupNamed({ set, state: { backups } }: FoundSet, reference = 'latest'): BackupSummary {
  const [, back] = /^latest(?:~(\d+))?$/.exec(reference) ?? [];
  // What a restore has put aside is not what anybody means by the latest.
  const taken = backups.filter(({ safety }) => !safety);
  const found = reference.startsWith('latest')
    ? reference === 'latest-full'
      ? taken.find(({ kind }) => kind === 'full')
      : taken[Number(back ?? 0)]
    : onlyOne(backups.filter(({ id }) => reference.length >= 4 && id.startsWith(reference)));
  if (found !== undefined) return found;
  throw new EditorError(
    'no-backup',
    `Set “${set}” has no backup “${reference}”; list_backups tells their ids.`,
  );
}

function onlyOne(backups: readonly BackupSummary[]): BackupSummary | undefined {
  return backups.length === 1 ? backups[0] : undefined;
}

/** What an agent is told of a backup, under the names of the command line. */
const TOLD = [
  'id',
  'kind',
  'base',
  'createdAt',
  'label',
  'safety',
  'pinned',
  'status',
  'files',
  'bytes',
  'verifiedAt',
  'damagedAt',
  'git',
] as const satisfies readonly (keyof BackupSummary)[];

/** A backup as an agent is told of it. */
export function toldBackup(backup: BackupSummary): object {
  return Object.fromEntries(TOLD.map((name) => [name, backup[name]]));
}

/** Agents get no more than this of what could be long, and are told how much there is. */
export const MOST_LISTED = 200;

/** @throws {EditorError} `untrusted` in Restricted Mode */
export function requireTrust(): void {
  if (vscode.workspace.isTrusted) return;
  throw new EditorError('untrusted', 'In Restricted Mode, nothing of the workspace may be read or run.');
}
