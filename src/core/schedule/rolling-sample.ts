import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../errors.ts';
import { replaceFile } from '../replace-file.ts';
import { type Task, throwIfCancelled } from '../task.ts';
import type { Damage } from '../vault/damage.ts';
import { findLive } from '../vault/liveness.ts';
import {
  CYCLE_DAYS,
  dayOfPack,
  daysToRead,
  dueForNote,
  NEVER_READ,
  type ReadTimes,
  verifiedSince,
} from '../vault/rolling.ts';
import type { Vault } from '../vault/vault.ts';
import { verify } from '../vault/verify.ts';

interface SampleState {
  readonly version: 1;
  /** When the vault was first looked at, in milliseconds since 1970. */
  readonly begunMs: number;
  readonly times: ReadTimes;
}

/** So many backups are looked through at a time for whether all they need was read. */
const MOST_NOTED = 32;

/**
 * Reads the packs of a vault whose turn it is, so that within four weeks all are read, and notes on backups since when it
 * is known that every byte of them is right. What was read is remembered for this machine.
 * @param mayGoOn asked before the packs of each day; what is left then is read the next time
 * @returns what is damaged
 * @throws as {@link verify}
 */
export async function readRollingSample(
  vault: Vault,
  home: string,
  mayGoOn: () => boolean,
  task: Task,
): Promise<readonly Damage[]> {
  const file = join(
    home,
    'verified',
    `${createHash('sha256').update(vault.id).digest('hex').slice(0, 16)}.json`,
  );
  const now = new Date();
  let state = readState(file) ?? { version: 1, begunMs: now.getTime(), times: NEVER_READ };
  if (state.begunMs > now.getTime()) state = { ...state, begunMs: now.getTime() };
  for (const day of daysToRead(state.begunMs, state.times, now)) {
    if (!mayGoOn()) return [];
    throwIfCancelled(task);
    const startedMs = Date.now();
    const { damage } = await verify(
      vault,
      { level: 'data', isRead: (pack) => dayOfPack(pack) === day },
      task,
    );
    // It is read again, and told again, until it is mended.
    if (damage.length > 0) return damage;
    state = { ...state, times: state.times.map((time, at) => (at === day ? startedMs : time)) };
    replaceFile(file, JSON.stringify(state));
  }
  await noteVerified(vault, state.times, task);
  return [];
}

async function noteVerified(vault: Vault, times: ReadTimes, task: Task): Promise<void> {
  const due = dueForNote((await vault.records()).records, times, MOST_NOTED);
  if (due.length === 0) return;
  const written = new Map(
    (await vault.storage.list('packs')).map(({ name, modifiedMs }) => [name, modifiedMs]),
  );
  vault.forgetIndex();
  const index = await vault.index();
  const notes: { backup: string; verifiedAt: string }[] = [];
  for (const record of due) {
    throwIfCancelled(task);
    const packs = new Set<string>();
    for (const chunk of (await findLive(vault.reader, index, [record], task)).values()) {
      packs.add(index.frame(index.place(chunk).frame).pack);
    }
    const read = [...packs].map((id) => ({
      id,
      writtenMs: written.get(`packs/${id.slice(0, 2)}/${id}.pack`) ?? Infinity,
    }));
    const since = verifiedSince(read, times);
    if (since !== undefined) notes.push({ backup: record.id, verifiedAt: new Date(since).toISOString() });
  }
  if (notes.length > 0) await vault.note(...notes);
}

function readState(file: string): SampleState | undefined {
  try {
    const state = JSON.parse(readFileSync(file, 'utf8')) as Partial<SampleState> | null;
    const isWhole =
      state?.version === 1 &&
      Number.isFinite(state.begunMs) &&
      Array.isArray(state.times) &&
      state.times.length === CYCLE_DAYS &&
      state.times.every((time: unknown) => time === null || Number.isFinite(time));
    return isWhole ? (state as SampleState) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
