import { DatabaseError } from '../database/error.ts';
import { CrmBackupError, systemCode } from '../errors.ts';
import { RestoreError } from './error.ts';
import type { JournalHeader } from './journal-entries.ts';
import { STAGING } from './staging-name.ts';

/** Where a restore works, for messages. */
export function placesOf({
  roots,
  databases = [],
}: {
  readonly roots: readonly { readonly directory: string }[];
  readonly databases?: readonly { readonly name: string; readonly target: string | undefined }[] | undefined;
}): readonly string[] {
  const names = databases.map(({ name, target }) => `database “${target ?? name}”`);
  return [...roots.map(({ directory }) => directory), ...names];
}

/** Why a restore cannot be brought to its end now. */
export function stillUnfinished(header: JournalHeader, cause: unknown): RestoreError {
  const hint =
    cause instanceof CrmBackupError
      ? `Put that right, then try again; nothing is lost. Or keep what is there: “crm-backup interrupted ${header.id} --keep”.`
      : 'Check that its disk is there and may be written to, then try again; nothing is lost.';
  const sentence = `A restore of before in ${placesOf(header).join(', ')} could not be ended yet.${reasonOf(cause)}`;
  return new RestoreError('unfinished-restore', sentence, { cause, hint });
}

/**
 * What has failed was not all taken back.
 * @param cause why the restore failed; undefined when that was in another process
 * @param error why it could not be taken back
 */
export function rollbackFailed(header: JournalHeader, cause: unknown, error: unknown): RestoreError {
  const hint = cause instanceof DatabaseError && cause.hint !== undefined ? ` ${cause.hint}` : '';
  const reasons = new Set([reasonOf(cause), reasonOf(error)]);
  return new RestoreError(
    'rollback-failed',
    `The restore failed, and what it had done in ${placesOf(header).join(', ')} could not all be taken back yet.${[...reasons].join('')}`,
    {
      cause: new AggregateError([cause, error]),
      hint: `Nothing is lost: start any restore there again and it will be taken back first. If you have put it right by hand, “crm-backup interrupted” ends it with what is there.${hint}`,
    },
  );
}

/** Why a restore failed, telling also of what could not be taken back because somebody has changed it meanwhile. */
export function tellingSpared(
  error: unknown,
  { spared, keptIn }: { readonly spared: readonly string[]; readonly keptIn: readonly string[] },
): unknown {
  if (!(error instanceof Error) || spared.length === 0) return error;
  const kept = keptIn.length === 0 ? '' : ` What they were before is kept in ${keptIn.join(', ')}.`;
  error.message += ` Files that were changed meanwhile stayed as they are: ${spared.join(', ')}.${kept}`;
  return error;
}

/** Somebody has removed what a restore had prepared and moved away. */
export function stagingGone(directories: readonly string[]): string {
  const places = directories.map((directory) => `${directory}/${STAGING}`);
  return `What it had prepared and moved away is gone with ${places.join(', ')}.`;
}

/** What a restore has left beside its databases cannot be removed. */
export function notCleared(header: JournalHeader, cause: CrmBackupError): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `What the restore has left beside ${placesOf({ ...header, roots: [] }).join(', ')} could not be removed yet. ${cause.message}`,
    {
      cause,
      hint: `Nothing else is open: it is tried again by itself. “crm-backup interrupted ${header.id} --keep” leaves it there and tells its names.`,
    },
  );
}

/** The sentence about a failure, after a space; nothing where it would tell the user nothing. */
function reasonOf(cause: unknown): string {
  if (cause instanceof CrmBackupError) return ` ${cause.message}`;
  const code = systemCode(cause);
  if (code === 'ENOSPC' || code === 'EDQUOT') return ' The disk is full.';
  return code === undefined ? '' : ` The system says ${code}.`;
}

/** There is no restore of this id that waits to be ended. */
export function notInterrupted(id: string): RestoreError {
  return new RestoreError('not-interrupted', `There is no interrupted restore “${id}”.`, {
    hint: '“crm-backup interrupted” lists those that wait to be ended.',
  });
}

/** Somebody else works on the restore that is to be ended. */
export function beingWorkedOn(id: string): RestoreError {
  return new RestoreError('locked', `Restore “${id}” is being worked on by another process.`, {
    hint: 'Wait until it is done, then try again.',
  });
}

/** A folder of the restore that is to be ended is not there, or does not hold what it has prepared. */
export function folderAway(header: JournalHeader): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `Nothing was done: of the folders the restore works in, one is not there now (${header.roots.map(({ directory }) => directory).join(', ')}).`,
    {
      hint: `Mount it, or give it back the name it had, then try again; nothing is lost. If it is gone for good, “crm-backup interrupted ${header.id} --keep” ends it.`,
    },
  );
}

/** A journal of the user's own folder that is another user’s, or on a disk that fails. */
export function unreadableJournal(journal: string, cause: unknown): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `The journal of a restore cannot be read, so whether that was interrupted is not known: ${journal}.${reasonOf(cause)}`,
    {
      cause,
      hint: 'Run CRM Backup as the user it belongs to, or give it to yourself; it stops nothing else.',
    },
  );
}

/** What of a restore that waits is told where a folder of it stands in the way. */
type Waiting = Pick<JournalHeader, 'id'> & {
  readonly directories: readonly string[];
  readonly journal: string;
};

/** A folder that has another name since a restore was interrupted in it, or is a copy of such a one. */
export function movedSince(directory: string, { id, directories, journal }: Waiting): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `A restore was interrupted half-way in ${directory} when that was called otherwise (${directories.join(', ')}), and is still to be ended.`,
    {
      hint: `Give it back that name, run “crm-backup interrupted ${id} --end” or “--keep”, then rename it again. Keep ${journal}: it alone tells where the files belong that are kept in ${STAGING}.`,
    },
  );
}

/** A folder with an interrupted restore that works in others, too, of which one is away. */
export function anotherAway(directory: string, { directories, journal }: Waiting): RestoreError {
  const others = directories.filter((one) => one !== directory).join(', ');
  return new RestoreError(
    'unfinished-restore',
    `A restore was interrupted half-way in ${directory} and in ${others}, of which a folder is not there now or has another name.`,
    {
      hint: `Mount it, or give it back its name, then try again. Keep ${journal}: it alone tells where the files belong that are kept in ${STAGING}.`,
    },
  );
}

/** A folder whose journal was removed. */
export function journalGone(directory: string): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `${directory} holds what an unfinished restore moved away, and its journal is gone.`,
    {
      hint: `Look into ${directory}/${STAGING}/old, take back what you need, and remove ${STAGING}.`,
    },
  );
}

/** A folder whose journal is another user’s, or not where this one’s are. */
export function journalElsewhere(directory: string, journal: string): RestoreError {
  return new RestoreError(
    'unfinished-restore',
    `${directory} holds a restore that was interrupted half-way, and its journal is not among yours: ${journal}.`,
    {
      hint: `Restore as the user and with the CRM_BACKUP_HOME it was begun with, or remove ${STAGING} when you have looked into it.`,
    },
  );
}
