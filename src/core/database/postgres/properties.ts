import * as v from 'valibot';
import { DatabaseError } from '../error.ts';
import type { DatabaseInfo } from '../engine.ts';
import { OWN_SCHEMAS } from './catalog.ts';
import { literal, qualified } from './quote.ts';
import type { Session } from './session.ts';

const grant = v.object({ grantee: v.nullable(v.string()), privilege: v.string(), grantable: v.boolean() });

const properties = v.object({
  /** `150018`. */
  version: v.number(),
  encoding: v.string(),
  owner: v.string(),
  provider: v.string(),
  collate: v.string(),
  ctype: v.string(),
  locale: v.nullable(v.string()),
  icuRules: v.nullable(v.string()),
  connectionLimit: v.number(),
  isTemplate: v.optional(v.boolean(), false),
  /** Where tables are that name no tablespace; null for the server’s usual one. */
  tablespace: v.optional(v.nullable(v.string()), null),
  comment: v.nullable(v.string()),
  /** Null: as it is by default. */
  grants: v.nullable(v.array(grant)),
  /** ALTER DATABASE … SET, or of one role in it. */
  settings: v.array(v.object({ role: v.nullable(v.string()), name: v.string(), value: v.string() })),
  extensions: v.array(v.object({ name: v.string(), version: v.string(), schema: v.string() })),
  /** Every role that something in the database names. */
  roles: v.array(v.string()),
  /** Roles that policies name: without one nobody knows who may see what. */
  policyRoles: v.array(v.string()),
  tablespaces: v.array(v.string()),
  /** Collations of the server that columns and indexes use. */
  collations: v.array(v.string()),
  schemas: v.array(v.string()),
  largeObjects: v.number(),
  sequences: v.array(
    v.object({ schema: v.string(), name: v.string(), lastValue: v.string(), isCalled: v.boolean() }),
  ),
  /** What the backup leaves out, a sentence each. */
  notes: v.array(v.string()),
});

/** What `info.json` remembers of a PostgreSQL database beside its schema and rows. */
export type Properties = v.InferOutput<typeof properties>;
export type Grant = v.InferOutput<typeof grant>;

/**
 * What a backup knows of its database.
 * @throws {DatabaseError} `damaged`.
 */
export function propertiesOf(info: DatabaseInfo): Properties {
  const parsed = v.safeParse(properties, info.details);
  if (parsed.success) return parsed.output;
  throw new DatabaseError(
    'damaged',
    'The backup’s “info.json” of the database is not one this version can read.',
  );
}

const ACL = `(SELECT json_agg(json_build_object(
    'grantee', CASE WHEN a.grantee = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(a.grantee) END,
    'privilege', a.privilege_type, 'grantable', a.is_grantable))
  FROM pg_catalog.aclexplode(d.datacl) a)`;

function databaseQuery(version: number): string {
  const locale =
    version >= 170000 ? 'd.datlocale' : version >= 150000 ? 'd.daticulocale' : 'NULL::pg_catalog.text';
  return `SELECT json_build_object(
    'version', ${version},
    'encoding', pg_catalog.pg_encoding_to_char(d.encoding),
    'owner', pg_catalog.pg_get_userbyid(d.datdba),
    'provider', ${version >= 150000 ? 'd.datlocprovider' : "'c'"},
    'collate', d.datcollate, 'ctype', d.datctype, 'locale', ${locale},
    'icuRules', ${version >= 160000 ? 'd.daticurules' : 'NULL'},
    'connectionLimit', d.datconnlimit,
    'isTemplate', d.datistemplate,
    'tablespace', (SELECT t.spcname FROM pg_catalog.pg_tablespace t
      WHERE t.oid = d.dattablespace AND t.spcname !~ '^pg_'),
    'comment', pg_catalog.shobj_description(d.oid, 'pg_database'),
    'grants', CASE WHEN d.datacl IS NULL THEN NULL ELSE coalesce(${ACL}, '[]'::pg_catalog.json) END,
    'settings', coalesce((SELECT json_agg(json_build_object(
        'role', CASE WHEN s.setrole = 0 THEN NULL ELSE pg_catalog.pg_get_userbyid(s.setrole) END,
        'name', split_part(u.setting, '=', 1), 'value', substr(u.setting, strpos(u.setting, '=') + 1)))
      FROM pg_catalog.pg_db_role_setting s, unnest(s.setconfig) AS u(setting) WHERE s.setdatabase = d.oid), '[]'),
    'extensions', coalesce((SELECT json_agg(json_build_object(
        'name', e.extname, 'version', e.extversion, 'schema', n.nspname) ORDER BY e.extname COLLATE "C")
      FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace), '[]'),
    'roles', coalesce((SELECT json_agg(rolname ORDER BY rolname COLLATE "C") FROM (
        SELECT r.rolname FROM pg_catalog.pg_roles r WHERE r.oid = d.datdba
          OR EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                     WHERE c.relowner = r.oid AND ${OWN_SCHEMAS})
          OR r.oid IN (SELECT h.refobjid FROM pg_catalog.pg_shdepend h
                       WHERE h.refclassid = 'pg_catalog.pg_authid'::regclass AND h.dbid = d.oid)) roles), '[]'),
    'policyRoles', coalesce((SELECT json_agg(DISTINCT pg_catalog.pg_get_userbyid(p.role)) FROM (
        SELECT unnest(polroles) AS role FROM pg_catalog.pg_policy) p WHERE p.role <> 0), '[]'),
    'tablespaces', coalesce((SELECT json_agg(t.spcname) FROM pg_catalog.pg_tablespace t
      WHERE t.oid IN (SELECT c.reltablespace FROM pg_catalog.pg_class c UNION SELECT d.dattablespace)
        AND t.spcname !~ '^pg_'), '[]'),
    'collations', coalesce((SELECT json_agg(DISTINCT l.collname) FROM pg_catalog.pg_collation l
      JOIN pg_catalog.pg_namespace n ON n.oid = l.collnamespace
      WHERE n.nspname = 'pg_catalog' AND l.collname NOT IN ('default', 'C', 'POSIX', 'ucs_basic', 'unicode')
        AND l.oid IN (SELECT a.attcollation FROM pg_catalog.pg_attribute a
          JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
          WHERE ${OWN_SCHEMAS})), '[]'),
    'schemas', coalesce((SELECT json_agg(n.nspname ORDER BY n.nspname COLLATE "C")
      FROM pg_catalog.pg_namespace n WHERE ${OWN_SCHEMAS}), '[]'),
    'largeObjects', (SELECT count(*) FROM pg_catalog.pg_largeobject_metadata),
    'notes', coalesce((SELECT json_agg(
        'The rows of the foreign table ' || n.nspname || '.' || c.relname || ' belong to another server and are left out.'
        ORDER BY n.nspname, c.relname)
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind = 'f' AND ${OWN_SCHEMAS}), '[]')
  )::text AS properties
  FROM pg_catalog.pg_database d WHERE d.datname = current_database()`;
}

const SEQUENCES = `SELECT n.nspname AS schema, c.relname AS name
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'S' AND c.relpersistence IN ('p', 'u') AND ${OWN_SCHEMAS}
    AND (NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      OR c.oid IN (SELECT unnest(extconfig) FROM pg_catalog.pg_extension))
  ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`;

/** Sequences asked for in one query. */
const SEQUENCES_AT_ONCE = 200;

/** Reads what a restore needs beside schema and rows, as the session’s transaction sees it. */
export async function readProperties(session: Session): Promise<Properties> {
  const doing = 'Reading the database’s settings';
  const [found] = await session.rows<{ properties: string }>(databaseQuery(session.version), doing);
  return v.parse(properties, {
    ...(JSON.parse(found!.properties) as object),
    sequences: await readSequences(session),
  });
}

async function readSequences(session: Session): Promise<Properties['sequences']> {
  const doing = 'Reading the sequences';
  const names = await session.rows<{ schema: string; name: string }>(SEQUENCES, doing);
  const sequences: Properties['sequences'] = [];
  for (let at = 0; at < names.length; at += SEQUENCES_AT_ONCE) {
    const sql = names
      .slice(at, at + SEQUENCES_AT_ONCE)
      .map(
        ({ schema, name }) =>
          `SELECT ${literal(schema)} AS schema, ${literal(name)} AS name, last_value::text AS last, is_called::text AS called FROM ${qualified(schema, name)}`,
      )
      .join(' UNION ALL ');
    for (const row of await session.rows<Record<'schema' | 'name' | 'last' | 'called', string>>(sql, doing)) {
      sequences.push({
        schema: row.schema,
        name: row.name,
        lastValue: row.last,
        isCalled: row.called === 'true',
      });
    }
  }
  return sequences;
}

/**
 * How many objects there are by kind, but for those of extensions and PostgreSQL itself.
 * @param version of the server they came from: what newer ones make beside them by themselves is not counted
 */
export async function countObjects(
  session: Session,
  version = session.version,
): Promise<Record<string, number>> {
  const [found] = await session.rows<{ counts: string }>(countsQuery(version), 'Counting the objects');
  return JSON.parse(found!.counts) as Record<string, number>;
}

function notOfExtension(catalog: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
    WHERE d.classid = 'pg_catalog.${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;
}

/** Since PostgreSQL 14 a multirange comes with every range, and its functions. */
const IS_OF_MULTIRANGE = `EXISTS (SELECT FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_type t ON t.oid = d.refobjid
    WHERE d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i'
      AND d.refclassid = 'pg_catalog.pg_type'::regclass AND t.typtype = 'm')`;

// Before PostgreSQL 15 triggers that partitions have from their tables count as internal; they are left out everywhere.
const countsQuery = (
  version: number,
) => `SELECT json_object_agg(kind, number ORDER BY kind)::text AS counts FROM (
  SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
      WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence' WHEN 'i' THEN 'index' WHEN 'I' THEN 'partitioned index'
      WHEN 'f' THEN 'foreign table' ELSE 'composite type' END AS kind, count(*) AS number
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE ${OWN_SCHEMAS} AND c.relkind <> 't' AND c.relpersistence <> 't' AND ${notOfExtension('pg_class', 'c.oid')}
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid
        AND NOT ${notOfExtension('pg_class', 'i.indrelid')})
    GROUP BY 1
  UNION ALL
  SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, count(*)
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE ${OWN_SCHEMAS} AND ${notOfExtension('pg_proc', 'p.oid')}
      ${version < 140000 ? `AND NOT ${IS_OF_MULTIRANGE}` : ''} GROUP BY 1
  UNION ALL
  SELECT 'trigger', count(*) FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND ${OWN_SCHEMAS} AND ${notOfExtension('pg_class', 'c.oid')}
    HAVING count(*) > 0
  UNION ALL
  SELECT CASE o.contype WHEN 'f' THEN 'foreign key' WHEN 'c' THEN 'check' WHEN 'p' THEN 'primary key'
      WHEN 'u' THEN 'unique key' WHEN 'x' THEN 'exclusion' WHEN 'n' THEN 'not null' ELSE 'constraint trigger' END, count(*)
    FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace
    WHERE ${OWN_SCHEMAS} AND o.contype <> 'n' AND ${notOfExtension('pg_class', 'o.conrelid')} AND ${notOfExtension('pg_type', 'o.contypid')}
    GROUP BY 1
  UNION ALL
  SELECT CASE t.typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' ELSE 'range' END, count(*)
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE ${OWN_SCHEMAS} AND t.typtype IN ('d', 'e', 'r') AND ${notOfExtension('pg_type', 't.oid')} GROUP BY 1
  UNION ALL
  SELECT 'policy', count(*) FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE ${OWN_SCHEMAS} HAVING count(*) > 0
  UNION ALL
  SELECT 'rule', count(*) FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE r.rulename <> '_RETURN' AND ${OWN_SCHEMAS} AND ${notOfExtension('pg_class', 'c.oid')} HAVING count(*) > 0
  UNION ALL SELECT 'extension', count(*) FROM pg_catalog.pg_extension HAVING count(*) > 0
  UNION ALL SELECT 'event trigger', count(*) FROM pg_catalog.pg_event_trigger t
    WHERE ${notOfExtension('pg_event_trigger', 't.oid')} HAVING count(*) > 0
  UNION ALL SELECT 'publication', count(*) FROM pg_catalog.pg_publication HAVING count(*) > 0
  UNION ALL SELECT 'large object', count(*) FROM pg_catalog.pg_largeobject_metadata HAVING count(*) > 0
  ) counted`;
