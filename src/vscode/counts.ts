import * as vscode from 'vscode';
import type { TableSummary } from '../core/compare/rows.ts';
import type { EntryInfo } from '../engine/protocol.ts';
import { formatBytes, formatNumber } from './format.ts';

/** A number of files in words: “1 file”, “1,234 files”. */
export function fileCount(count: number): string {
  if (count === 1) return vscode.l10n.t('1 file');
  return vscode.l10n.t('{0} files', formatNumber(count, vscode.env.language));
}

/** A number of backups in words. */
export function backupCount(count: number): string {
  if (count === 1) return vscode.l10n.t('1 backup');
  return vscode.l10n.t('{0} backups', formatNumber(count, vscode.env.language));
}

/** A number of tables in words. */
export function tableCount(count: number): string {
  if (count === 1) return vscode.l10n.t('1 table');
  return vscode.l10n.t('{0} tables', formatNumber(count, vscode.env.language));
}

/** A number of objects of databases in words. */
function objectCount(count: number): string {
  if (count === 1) return vscode.l10n.t('1 object');
  return vscode.l10n.t('{0} objects', formatNumber(count, vscode.env.language));
}

/** A number of rows in words. */
export function rowCount(count: number): string {
  if (count === 1) return vscode.l10n.t('1 row');
  return vscode.l10n.t('{0} rows', formatNumber(count, vscode.env.language));
}

/** How much an entry holds: rows of a table, bytes of anything else. */
export function entryAmount({ size, rows }: Pick<EntryInfo, 'size' | 'rows'>): string {
  return rows === undefined ? formatBytes(size, vscode.env.language) : rowCount(rows);
}

/**
 * How many files, tables and other objects of databases, as “12 files · 2 tables”; “none” where there are none; unknown
 * ones are left out.
 * @param rest what else is to be said, when nothing of it may be taken for all there is
 */
export function entryCount(files = 0, tables = 0, objects = 0, rest?: string): string {
  const parts = [
    files > 0 ? fileCount(files) : undefined,
    tables > 0 ? tableCount(tables) : undefined,
    objects > 0 ? objectCount(objects) : undefined,
    rest,
  ];
  return parts.filter((part) => part !== undefined).join(' · ') || vscode.l10n.t('none');
}

/** How many rows came, changed and went, as “+3 ~1 −2”; what happened to the table where no row tells. */
export function rowCounts({ added, changed, deleted, schemaChanged }: TableSummary): string {
  const locale = vscode.env.language;
  const rows = [
    added > 0 ? `+${formatNumber(added, locale)}` : '',
    changed > 0 ? `~${formatNumber(changed, locale)}` : '',
    deleted > 0 ? `−${formatNumber(deleted, locale)}` : '',
  ].filter((part) => part !== '');
  if (schemaChanged) rows.push(vscode.l10n.t('other columns'));
  return rows.join(' ');
}
