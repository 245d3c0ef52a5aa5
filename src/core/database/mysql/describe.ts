import type { Task } from '../../task.ts';
import type { DatabaseCheck, DatabaseDescription } from '../engine.ts';
import type { ServerAddress } from './address.ts';
import { type Privileges, readPrivileges, readsRoutines } from './privileges.ts';
import { quoteName, quoteText } from './quote.ts';
import { endWhenCancelled, oneValue, type Session } from './session.ts';

const OLDEST_MARIADB = 1006;
const OLDEST_MYSQL = 800;

/** Who answers, and what a backup and a restore would lack. */
export async function describe(
  session: Session,
  server: ServerAddress,
  task: Task,
): Promise<DatabaseDescription> {
  return endWhenCancelled([session], task, async () => {
    const schema = quoteText(server.database);
    const bytes = await oneValue(
      session,
      `SELECT SUM(DATA_LENGTH) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${schema}`,
    );
    const privileges = await readPrivileges(session, server.database);
    return {
      product: session.server.product,
      bytes: bytes === undefined ? undefined : Number(bytes),
      checks: [
        versionCheck(session),
        ...readChecks(privileges, session, server),
        await snapshotCheck(session, schema),
        ...restoreChecks(privileges, server),
        await localInfileCheck(session),
      ],
    };
  });
}

function versionCheck({ server: { isMariaDb, version, product } }: Session): DatabaseCheck {
  const old = version < (isMariaDb ? OLDEST_MARIADB : OLDEST_MYSQL);
  return {
    name: 'version',
    status: old ? 'warning' : 'ok',
    detail: old ? `${product} is older than what this is tested with.` : `${product} answers.`,
    hint: old ? 'Update to MariaDB 10.6, MySQL 8 or newer.' : '',
  };
}

function readChecks(privileges: Privileges, session: Session, { database }: ServerAddress): DatabaseCheck[] {
  const { account, has } = privileges;
  const needed = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT'].filter((privilege) => !has(privilege));
  const routines = readsRoutines(session, privileges);
  const lock = has('RELOAD', '*') || has('FLUSH_TABLES', '*');
  return [
    check(
      'read',
      needed.length === 0 ? 'ok' : needed.includes('SELECT') ? 'failed' : 'warning',
      needed.length === 0
        ? 'Tables, views, triggers and events can be read.'
        : `Without ${needed.join(', ')} the backup lacks what these show.`,
      `GRANT ${needed.join(', ')} ON ${quoteName(database)}.* TO ${account}`,
    ),
    check(
      'routines',
      routines ? 'ok' : 'warning',
      routines
        ? 'Procedures and functions can be read.'
        : 'Procedures and functions of other accounts cannot be read.',
      session.server.isMariaDb
        ? `GRANT SELECT ON mysql.proc TO ${account}`
        : `GRANT SHOW_ROUTINE ON *.* TO ${account}`,
    ),
    check(
      'parallel reading',
      lock ? 'ok' : 'warning',
      lock
        ? 'Several sessions can share one moment.'
        : 'Without RELOAD one session reads all, which is slower.',
      `GRANT RELOAD ON *.* TO ${account}`,
    ),
  ];
}

async function snapshotCheck({ wire }: Session, schema: string): Promise<DatabaseCheck> {
  const rows = await wire.query(
    `SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${schema}
        AND TABLE_TYPE = 'BASE TABLE' AND ENGINE IN ('MyISAM', 'Aria', 'MEMORY', 'CSV', 'ARCHIVE', 'MRG_MyISAM') ORDER BY 1`,
  );
  const names = rows.map(([name]) => name ?? '');
  return check(
    'consistency',
    names.length === 0 ? 'ok' : 'warning',
    names.length === 0
      ? 'All tables have snapshots.'
      : `${String(names.length)} tables have no snapshots, so rows written during a backup may be in it: ${shortList(names)}.`,
    'Convert them with ALTER TABLE … ENGINE=InnoDB, or back up while nobody writes.',
  );
}

function restoreChecks({ account, has }: Privileges, { database }: ServerAddress): DatabaseCheck[] {
  const needed = [
    'CREATE',
    'DROP',
    'ALTER',
    'INSERT',
    'CREATE VIEW',
    'TRIGGER',
    'CREATE ROUTINE',
    'ALTER ROUTINE',
    'EVENT',
    'REFERENCES',
    'INDEX',
  ].filter((privilege) => !has(privilege));
  const beside = has('CREATE', 'crm_backup_%') && has('DROP', 'crm_backup_%');
  return [
    check(
      'restore',
      needed.length === 0 && beside ? 'ok' : 'warning',
      needed.length > 0
        ? `A restore needs ${needed.join(', ')}.`
        : beside
          ? 'A restore has what it needs.'
          : 'A restore builds the new tables in a database beside, which this account may not create.',
      needed.length > 0
        ? `GRANT ALL ON \`${database}\`.* TO ${account}`
        : `GRANT ALL ON \`crm\\_backup\\_%\`.* TO ${account}`,
    ),
  ];
}

async function localInfileCheck(session: Session): Promise<DatabaseCheck> {
  const on = (await oneValue(session, 'SELECT @@GLOBAL.local_infile')) === '1';
  return check(
    'loading',
    on ? 'ok' : 'warning',
    on
      ? 'Rows are loaded the fast way.'
      : 'local_infile is off: a restore loads rows by INSERT, which is slower.',
    'SET GLOBAL local_infile = 1',
  );
}

function check(name: string, status: DatabaseCheck['status'], detail: string, hint: string): DatabaseCheck {
  return { name, status, detail, hint: status === 'ok' ? '' : hint };
}

function shortList(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} …`;
}
