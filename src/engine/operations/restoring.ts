import { openWorkspace, type PlacedSet } from '../../core/open.ts';
import { isToBeTold } from '../../core/restore/concerned.ts';
import { previewDatabases, type RestoredDatabase } from '../../core/restore/plan-databases.ts';
import { findDamaged, withoutDamaged } from '../../core/restore/damaged.ts';
import { selectDatabases } from '../../core/restore/database-selection.ts';
import { withNotices } from '../../core/restore/interrupted.ts';
import { endAlone } from '../../core/restore/end-restore.ts';
import { lackingOf } from '../../core/restore/lacking.ts';
import { restoreToUndo } from '../../core/restore/last-restore.ts';
import {
  movedBy,
  type PlanRequest,
  planRestore as makePlan,
  type RestorePlan as Plan,
} from '../../core/restore/plan-restore.ts';
import { recoverRestores } from '../../core/restore/recover.ts';
import {
  restore as restoreBackup,
  type RestoreReport,
  undoRestore as undo,
} from '../../core/restore/restore.ts';
import type { SkippedPath } from '../../core/restore/skipped.ts';
import { sqliteFiles } from '../../core/restore/sqlite-files.ts';
import { homeOf } from '../../core/surroundings.ts';
import type { Task } from '../../core/task.ts';
import type { BackupRecord } from '../../core/vault/record.ts';
import type { Vault } from '../../core/vault/vault.ts';
import { toFailure } from '../failure.ts';
import type { Awakening, RestorePlan, RestoreResult } from '../protocol.ts';
import type { Handler } from '../serve.ts';
import { comparePaths } from '../../core/vault/order.ts';
import { reading, type Vaults } from '../vaults.ts';

/** What a restore would do; nothing is changed. */
export function planRestore(vaults: Vaults): Handler<'planRestore'> {
  return async ({ paths, to, delete: remove, safetyBackup, endSessions, skipDamaged, ...target }, task) => {
    const { vault, record, placed } = await vaults.backup(target);
    const { set } = placed;
    const selected = paths.length === 0 ? undefined : paths.map((path) => ({ path, recursive: true }));
    const request = { paths: selected, set, to, delete: remove };
    const consent = { mayEndSessions: endSessions ?? false, mayLoseLive: !safetyBackup };
    const live = { live: set.databases, ...consent };
    const place = { home: homeOf(vaults.surroundings), workspace: set.workspace, live, skipDamaged };
    return reading(vault, async () => preview(vault, record, request, place, task));
  };
}

/** Restores. What stands in another folder was counted by the plan and agreed to, so it may be replaced. */
export function restore(vaults: Vaults): Handler<'restore'> {
  return async ({ paths, to, delete: remove, safetyBackup, endSessions, skipDamaged, ...target }, task) => {
    const { vault, record, placed } = await vaults.backup(target);
    const home = homeOf(vaults.surroundings);
    const how = { delete: remove, safetyBackup, endSessions, skipDamaged, overwrite: true };
    const { secret } = vaults.surroundings;
    const options = { home, secret, set: placed.set, paths, to, ...how };
    return resultOf(await reading(vault, () => restoreBackup(vault, record, options, task)));
  };
}

/** What taking the last restore of a set back would do. */
export function planUndo(vaults: Vaults): Handler<'planUndo'> {
  return async ({ endSessions, skipDamaged, meant, ...target }, task) => {
    const placed = await vaults.place(target);
    const vault = await vaults.existing(placed);
    const home = homeOf(vaults.surroundings);
    const { records } = await vaults.records(vault);
    const { last, record } = restoreToUndo(home, vault.id, target.set, records, meant);
    const paths = last.touched;
    const { set } = placed;
    const request = { paths, set, to: undefined, delete: true, deleteMissing: true };
    const live = { live: set.databases, mayEndSessions: endSessions ?? false, mayLoseLive: false };
    const place = { home, workspace: set.workspace, live, skipDamaged };
    return reading(vault, async () => {
      const plan = await preview(vault, record, request, place, task);
      const databasePaths = paths.map(({ path }) => path).filter((path) => path.startsWith('databases/'));
      return { ...plan, backup: record.id, databasePaths };
    });
  };
}

/** Takes the last restore of a set back. */
export function undoRestore(vaults: Vaults): Handler<'undoRestore'> {
  return async ({ endSessions, skipDamaged, meant, ...target }, task) => {
    const placed = await vaults.place(target);
    const vault = await vaults.existing(placed);
    const home = homeOf(vaults.surroundings);
    const options = { home, secret: vaults.surroundings.secret, endSessions, skipDamaged, meant };
    return resultOf(await reading(vault, () => undo(vault, placed.set, options, task)));
  };
}

/** Which interrupted restores somebody with a workspace is to be told of. Sets that cannot be used have no say. */
export function concerning(vaults: Vaults): Handler<'concerning'> {
  return async ({ workspace, restores }) => {
    const { sets: names } = await openWorkspace(workspace, vaults.surroundings).catch(() => ({ sets: [] }));
    const placed: PlacedSet[] = [];
    for (const { name: set } of names) {
      const one = await vaults.place({ workspace, set }).catch(() => undefined);
      if (one !== undefined) placed.push(one);
    }
    const records = async (): Promise<readonly BackupRecord[]> => {
      const listings = placed.map(async (one) => vaults.records(await vaults.existing(one)));
      const settled = await Promise.allSettled(listings);
      return settled.flatMap((each) => (each.status === 'fulfilled' ? each.value.records : []));
    };
    const surrounding = { workspace, sets: placed.map(({ set }) => set), records };
    const told: string[] = [];
    for (const found of restores) if (await isToBeTold(found, surrounding)) told.push(found.id);
    return { restores: told };
  };
}

/** Ends an interrupted restore as the user wants it. */
export function endInterrupted({ surroundings }: Vaults): Handler<'endInterrupted'> {
  return async ({ restore: id, decision }, task) =>
    endAlone(homeOf(surroundings), id, decision, surroundings.secret, task);
}

/** Brings restores that were interrupted to their end where that overwrites nothing, wherever they were working. */
export async function recover({ surroundings }: Vaults): Promise<Awakening> {
  try {
    return {
      recovered: await recoverRestores(homeOf(surroundings), undefined, surroundings.secret),
      failure: undefined,
    };
  } catch (error) {
    return { recovered: [], failure: toFailure(error) };
  }
}

interface PreviewPlace {
  readonly home: string;
  readonly workspace: string | undefined;
  readonly live: Parameters<typeof previewDatabases>[4];
  readonly skipDamaged: boolean | undefined;
}

async function preview(
  vault: Vault,
  record: BackupRecord,
  request: PlanRequest,
  { home, workspace, live, skipDamaged }: PreviewPlace,
  task: Task,
): Promise<RestorePlan> {
  const { paths, to } = request;
  const damaged = skipDamaged === true ? await findDamaged(vault, record, paths, task) : undefined;
  const databaseFiles = to === undefined ? await sqliteFiles(live.live) : [];
  const files = await makePlan(vault, record, { ...request, damaged, databaseFiles }, task);
  const meant = selectDatabases(record, paths, []);
  const selected =
    damaged === undefined ? meant : withoutDamaged(meant, damaged, files.skipped, to !== undefined);
  const planned = await previewDatabases(vault, record, selected, to, live, task);
  const databases =
    to === undefined ? await withNotices(planned, { workspace, databases: live.live }, home) : planned;
  return {
    ...told(files, databases),
    skipped: skippedOf(files.skipped.count, files.skipped.listed),
    notDeleted: files.notDeleted,
    lacking: lackingOf(record, paths),
    moved: movedBy(record, request),
  };
}

function skippedOf(count: number, listed: readonly SkippedPath[]): RestorePlan['skipped'] {
  const [first] = listed;
  if (first === undefined) return undefined;
  const { path, message } = first;
  const isDamage = listed.every(({ code }) => code !== 'database');
  return { count, first: { path, message }, isDamage };
}

function resultOf({
  plan,
  problems,
  skipped,
  safetyBackup,
  verified,
  durationMs,
}: RestoreReport): RestoreResult {
  const { create, replace, delete: removed, unchanged, bytes, tables: databases } = plan;
  return {
    plan: {
      create,
      replace,
      delete: removed,
      unchanged,
      bytes,
      databases,
      skipped: skippedOf(skipped, problems),
    },
    safetyBackup,
    verified,
    durationMs,
  };
}

function told(
  { targets, counts }: Plan,
  databases: readonly RestoredDatabase[],
): Omit<RestorePlan, 'skipped' | 'notDeleted' | 'lacking' | 'moved'> {
  const { create, replace, delete: removed, unchanged, bytes } = counts;
  const steps = targets.flatMap(stepsOf).sort((a, b) => comparePaths(a.path, b.path));
  return { create, replace, delete: removed, unchanged, bytes, databases, steps };
}

/** Files and links by what becomes of them; a folder that goes stands for all that is in it. */
function stepsOf({ root, plan }: Plan['targets'][number]): RestorePlan['steps'] {
  const at = (path: string): string => (path === '' ? root : `${root}/${path}`);
  const placed = plan.placements.flatMap(({ live, entries }) =>
    entries
      .filter(({ type }) => type !== 'directory')
      .map(({ path }) => ({ path: at(path), action: live === undefined ? 'create' : 'replace' }) as const),
  );
  const adjusted = plan.adjustments
    .filter(({ live, after }) => live?.type === 'file' && live.mode !== after.mode)
    .map(({ path }) => ({ path: at(path), action: 'replace' }) as const);
  const removed = plan.removals.map(({ path, live }) => {
    return { path: live.type === 'directory' ? `${at(path)}/` : at(path), action: 'delete' } as const;
  });
  return [...placed, ...adjusted, ...removed];
}
