import type { DumpSink, DumpSource, TableHead } from '../engine.ts';
import { copyIn, copyOut } from './copy.ts';
import { identifier, literal } from './quote.ts';
import type { Session } from './session.ts';

const PAGE_BYTES = 256 * 1024;
const READ_MODE = 0x40000;
const FROM_END = 2;

/** Large objects stand in a backup as two tables: what they are, and their bytes page by page. */
const objects: TableHead = {
  schema: 'pg_catalog',
  name: 'pg_largeobject_metadata',
  columns: [
    { name: 'oid', type: 'oid', sorts: 'number' },
    { name: 'owner', type: 'name' },
    { name: 'grants', type: 'json' },
    { name: 'comment', type: 'text' },
  ],
  key: [0],
};
const pages: TableHead = {
  schema: 'pg_catalog',
  name: 'pg_largeobject',
  columns: [
    { name: 'loid', type: 'oid', sorts: 'number' },
    { name: 'page', type: 'bigint', sorts: 'number' },
    { name: 'data', type: 'bytea' },
  ],
  key: [0, 1],
};

const READ_OBJECTS = `COPY (SELECT m.oid, pg_catalog.pg_get_userbyid(m.lomowner),
    (SELECT json_agg(json_build_object('grantee',
        CASE WHEN a.grantee = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
        'privilege', a.privilege_type, 'grantable', a.is_grantable)) FROM pg_catalog.aclexplode(m.lomacl) a),
    pg_catalog.obj_description(m.oid, 'pg_largeobject')
  FROM pg_catalog.pg_largeobject_metadata m ORDER BY m.oid) TO STDOUT`;

const READ_PAGES = `COPY (SELECT m.oid, p.page, pg_catalog.lo_get(m.oid, p.page * ${PAGE_BYTES}, ${PAGE_BYTES})
  FROM (SELECT oid, pg_catalog.lo_open(oid, ${READ_MODE}) AS handle
    FROM pg_catalog.pg_largeobject_metadata ORDER BY oid OFFSET 0) m,
  LATERAL (SELECT pg_catalog.lo_lseek64(m.handle, 0, ${FROM_END}) AS bytes, pg_catalog.lo_close(m.handle) OFFSET 0) s,
  LATERAL generate_series(0, (s.bytes - 1) / ${PAGE_BYTES}) AS p(page)
  WHERE s.bytes > 0 ORDER BY m.oid, p.page) TO STDOUT`;

/** Statements that read the tables of large objects, to be checked against a backup. */
export const LARGE_OBJECT_TABLES = [
  { head: objects, reads: [READ_OBJECTS] },
  { head: pages, reads: [READ_PAGES] },
] as const;

/** Whether a table of a backup holds large objects. */
export function isLargeObjects({
  schema,
  name,
}: {
  readonly schema: string;
  readonly name: string;
}): boolean {
  return LARGE_OBJECT_TABLES.some(({ head }) => head.schema === schema && head.name === name);
}

/** Hands all large objects to the sink. */
export async function dumpLargeObjects(session: Session, sink: DumpSink): Promise<void> {
  for (const {
    head,
    reads: [read],
  } of LARGE_OBJECT_TABLES) {
    const table = sink.table(head);
    await copyOut(session, read, (block, rows) => table.write(block, rows), 'Reading the large objects');
    await table.finish();
  }
}

/**
 * Makes the large objects of a backup again, with owners, grants and comments as far as the roles are there.
 * @throws {DatabaseError} `write-failed` …
 */
export async function loadLargeObjects(
  session: Session,
  source: DumpSource,
  roles: (name: string) => boolean,
): Promise<void> {
  const doing = 'Writing the large objects';
  await session.run('BEGIN', doing);
  for (const { head } of LARGE_OBJECT_TABLES) {
    const stored = source.tables.find(({ schema, name }) => schema === head.schema && name === head.name);
    if (stored === undefined) continue;
    const types = head.columns.map(({ name, type }) => `${identifier(name)} ${type}`).join(', ');
    await session.run(`CREATE TEMP TABLE ${identifier(head.name)} (${types}) ON COMMIT DROP`, doing);
    await copyIn(
      session,
      `COPY pg_temp.${identifier(head.name)} FROM STDIN`,
      source.read(stored.path),
      doing,
    );
  }
  await session.run('SELECT count(pg_catalog.lo_create(oid)) FROM pg_temp.pg_largeobject_metadata', doing);
  await session.run(
    `SELECT count(*) FROM (SELECT pg_catalog.lo_put(loid, page * ${PAGE_BYTES}, data) FROM pg_temp.pg_largeobject) put`,
    doing,
  );
  const found = await session.rows<{
    oid: string;
    owner: string;
    grants: string | null;
    comment: string | null;
  }>('SELECT oid::text, owner::text, grants::text, comment FROM pg_temp.pg_largeobject_metadata', doing);
  for (const { oid, owner, grants, comment } of found) {
    const statements: string[] = [];
    if (comment !== null) statements.push(`COMMENT ON LARGE OBJECT ${oid} IS ${literal(comment)}`);
    for (const { grantee, privilege, grantable } of JSON.parse(grants ?? '[]') as GrantRow[]) {
      if (grantee === owner || (grantee !== null && !roles(grantee))) continue;
      const to = grantee === null ? 'PUBLIC' : identifier(grantee);
      statements.push(
        `GRANT ${privilege} ON LARGE OBJECT ${oid} TO ${to}${grantable ? ' WITH GRANT OPTION' : ''}`,
      );
    }
    if (roles(owner)) statements.push(`ALTER LARGE OBJECT ${oid} OWNER TO ${identifier(owner)}`);
    if (statements.length > 0) await session.run(statements.join('; '), doing);
  }
  await session.run('COMMIT', doing);
}

interface GrantRow {
  readonly grantee: string | null;
  readonly privilege: string;
  readonly grantable: boolean;
}
