import { identifier } from './quote.ts';

/** The statements that let a user read every table and sequence; before PostgreSQL 14 only of schemas that are named. */
export function grantToRead(user: string, version: number, schemas: readonly string[]): string {
  const role = identifier(user);
  if (version >= 140000) return `GRANT pg_read_all_data TO ${role};`;
  const list = schemas.map(identifier).join(', ');
  return [
    `GRANT USAGE ON SCHEMA ${list} TO ${role};`,
    `GRANT SELECT ON ALL TABLES IN SCHEMA ${list} TO ${role};`,
    `GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${list} TO ${role};`,
  ].join(' ');
}

/** The same where the version is not known. */
export function exampleToRead(user: string): string {
  return `Grant it, for example: ${grantToRead(user, 140000, [])} Before PostgreSQL 14: ${grantToRead(user, 0, ['public'])}`;
}
