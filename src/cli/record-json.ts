import type { BackupRecord, ChangeCounts } from '../core/vault/record.ts';

/** One backup, as `list` prints it. */
export function listedJson(record: BackupRecord): Record<string, unknown> {
  return {
    id: record.id,
    set: record.set,
    kind: record.kind,
    base: record.base ?? null,
    createdAt: record.createdAt,
    label: record.label ?? null,
    pinned: record.pinned,
    safety: record.safety,
    status: record.status,
    bytes: record.bytes,
    ratio: ratioOf(record),
    verifiedAt: record.verifiedAt ?? null,
    damagedAt: record.damagedAt ?? null,
    lostPaths: record.lostPaths ?? 0,
    git: record.git === undefined ? null : { ...record.git, branch: record.git.branch ?? null },
  };
}

/** One backup, as `backup` prints what it has just taken. */
export function takenJson(record: BackupRecord): Record<string, unknown> {
  return {
    id: record.id === '' ? null : record.id,
    set: record.set,
    kind: record.kind,
    base: record.base ?? null,
    createdAt: record.createdAt,
    durationMs: record.durationMs,
    status: record.status,
    label: record.label ?? null,
    pinned: record.pinned,
    files: countsJson(record.files),
    tables: countsJson(record.tables),
    bytes: record.bytes,
    ratio: ratioOf(record),
    phases: record.phases,
    problems: record.problems,
    moreProblems: record.moreProblems ?? {},
  };
}

/** One backup with everything known about it, as `show` prints it. */
export function shownJson(record: BackupRecord): Record<string, unknown> {
  return {
    ...listedJson(record),
    durationMs: record.durationMs,
    sources: record.sources,
    changes: { files: countsJson(record.files), tables: countsJson(record.tables) },
    phases: record.phases,
    problems: record.problems,
    moreProblems: record.moreProblems ?? {},
  };
}

/** How many times the source's bytes are what the backup took on disk; null when it took nothing. */
export function ratioOf({ bytes }: Pick<BackupRecord, 'bytes'>): number | null {
  return bytes.stored === 0 ? null : Math.round((bytes.source / bytes.stored) * 100) / 100;
}

function countsJson({ total, added, modified, deleted, unchanged }: ChangeCounts): ChangeCounts {
  return { total, added, modified, deleted, unchanged };
}
