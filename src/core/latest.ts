/**
 * The newest of a set's backups, given newest first. Safety backups are none of these: they hold what was there before a
 * restore, not what is there now, and of databases only those that it replaced.
 */
export function latestOf<Backup extends { readonly safety: boolean }>(
  newestFirst: readonly Backup[],
): Backup | undefined {
  return newestFirst.find(({ safety }) => !safety);
}
