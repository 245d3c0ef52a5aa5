/** How a database that no engine of ours knows is saved and loaded by its own tools. */
interface Preset {
  readonly label: string;
  readonly dump: string;
  readonly restore: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Commands for some databases; docs/databases.md explains each. The restore replaces what is there. No password stands
 * in an argument: tools get it by environment, by a file that the shell holds open, or by a wallet of their own.
 */
export const presets: readonly Preset[] = [
  {
    label: 'MongoDB',
    dump: `mongodump --config=<(printf 'uri: "%s"\\n' "$MONGO_URI") --archive`,
    restore: `mongorestore --config=<(printf 'uri: "%s"\\n' "$MONGO_URI") --archive --drop`,
    env: { MONGO_URI: 'mongodb://crm:${secret:mongo}@127.0.0.1:27017/crm?authSource=admin' },
  },
  {
    label: 'Oracle Data Pump',
    dump: 'expdp /@CRM schemas=CRM directory=CRM_BACKUP dumpfile=crm.dmp reuse_dumpfiles=y nologfile=y >&2 && cat "$ORACLE_FOLDER/crm.dmp" && rm "$ORACLE_FOLDER/crm.dmp"',
    restore:
      'cat > "$ORACLE_FOLDER/crm.dmp" && impdp /@CRM schemas=CRM directory=CRM_BACKUP dumpfile=crm.dmp table_exists_action=replace nologfile=y && rm "$ORACLE_FOLDER/crm.dmp"',
    env: { TNS_ADMIN: '/opt/oracle/wallet', ORACLE_FOLDER: '/opt/oracle/crm-backup' },
  },
  {
    label: 'SQL Server',
    dump: `sqlcmd -b -S "$MSSQL_SERVER" -U "$MSSQL_USER" -d master -Q "BACKUP DATABASE [crm] TO DISK = '$MSSQL_FOLDER/crm.bak' WITH COPY_ONLY, INIT, CHECKSUM" >&2 && cat "$MSSQL_FOLDER/crm.bak" && rm "$MSSQL_FOLDER/crm.bak"`,
    restore: `cat > "$MSSQL_FOLDER/crm.bak" && sqlcmd -b -S "$MSSQL_SERVER" -U "$MSSQL_USER" -d master -Q "ALTER DATABASE [crm] SET SINGLE_USER WITH ROLLBACK IMMEDIATE; RESTORE DATABASE [crm] FROM DISK = '$MSSQL_FOLDER/crm.bak' WITH REPLACE, CHECKSUM; ALTER DATABASE [crm] SET MULTI_USER" && rm "$MSSQL_FOLDER/crm.bak"`,
    env: {
      SQLCMDPASSWORD: '${secret:mssql}',
      MSSQL_SERVER: '127.0.0.1,1433',
      MSSQL_USER: 'crm_backup',
      MSSQL_FOLDER: '/var/opt/mssql/crm-backup',
    },
  },
  {
    label: 'Redis',
    dump: 'redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT" --rdb -',
    restore: 'systemctl stop redis-server && cat > "$REDIS_FOLDER/dump.rdb" && systemctl start redis-server',
    env: {
      REDISCLI_AUTH: '${secret:redis}',
      REDIS_HOST: '127.0.0.1',
      REDIS_PORT: '6379',
      REDIS_FOLDER: '/var/lib/redis',
    },
  },
  {
    label: 'PostgreSQL, a whole server',
    dump: `pg_dumpall --clean --if-exists --no-password | sed -E "/^(DROP ROLE IF EXISTS|CREATE ROLE) \\"?$PGUSER\\"?;$/d"`,
    restore: 'psql -X -q -v ON_ERROR_STOP=1 --no-password -d postgres',
    env: { PGHOST: '127.0.0.1', PGPORT: '5432', PGUSER: 'postgres', PGPASSWORD: '${secret:postgres}' },
  },
  {
    label: 'OpenLDAP',
    dump: 'slapcat -F "$LDAP_CONFIG" -n 1',
    restore:
      'systemctl stop slapd && rm -f "$LDAP_FOLDER"/*.mdb && slapadd -q -F "$LDAP_CONFIG" -n 1 && chown -R "$LDAP_USER": "$LDAP_FOLDER" && systemctl start slapd',
    env: { LDAP_CONFIG: '/etc/ldap/slapd.d', LDAP_FOLDER: '/var/lib/ldap', LDAP_USER: 'openldap' },
  },
];

/** As VS Code offers it while the set file is written. */
export function snippetOf({ label, dump, restore, env }: Preset): object {
  // In a snippet, $ begins a placeholder.
  const literal = (text: string): string => text.replace(/[\\$}]/g, '\\$&');
  const body = {
    dump: literal(dump),
    restore: literal(restore),
    env: Object.fromEntries(Object.entries(env).map(([name, value]) => [name, literal(value)])),
  };
  return { label, description: `A database by its own tools: ${label}`, body };
}
