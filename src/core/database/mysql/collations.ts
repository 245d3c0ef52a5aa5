import type { Session } from './session.ts';

/** The collations a server has, by their full names. */
export async function readCollations({ wire, server }: Session): Promise<ReadonlySet<string>> {
  // MariaDB lists collations that go with several charsets once, without the charset.
  const column = server.isMariaDb && server.version >= 1010 ? 'FULL_COLLATION_NAME' : 'COLLATION_NAME';
  const rows = await wire.query(
    `SELECT ${column} FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY
      UNION SELECT COLLATION_NAME FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY`,
  );
  return new Set(rows.map(([name]) => name ?? ''));
}

/** Ends of names of collations that sort alike or nearly so, on servers of one kind or the other. */
const ALIKE: readonly (readonly string[])[] = [
  ['0900_ai_ci', 'uca1400_ai_ci', 'uca1400_nopad_ai_ci', 'unicode_520_ci', 'unicode_ci'],
  ['0900_as_ci', 'uca1400_as_ci', 'uca1400_nopad_as_ci', 'unicode_520_ci', 'unicode_ci'],
  ['0900_as_cs', 'uca1400_as_cs', 'uca1400_nopad_as_cs', 'bin'],
  ['0900_bin', 'nopad_bin', 'bin'],
];

/** The nearest collation a server has instead of one it lacks; undefined if nothing comes near. */
export function nearestCollation(lacking: string, has: ReadonlySet<string>): string | undefined {
  const [, charset = '', end = ''] = /^([a-z0-9]+)_(.+)$/.exec(lacking) ?? [];
  const family = ALIKE.find((ends) => ends.some((one) => end === one || end.endsWith(`_${one}`)));
  const ends = family ?? (end.endsWith('_bin') ? ['bin'] : ['unicode_520_ci', 'unicode_ci', 'general_ci']);
  return ends.map((one) => `${charset}_${one}`).find((name) => has.has(name));
}
