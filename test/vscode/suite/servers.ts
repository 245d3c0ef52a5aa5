/** The environment variables that name an empty database `crm` on a server that runs beside the suite. */
export const postgresVariable = 'CRM_BACKUP_TEST_POSTGRES';
export const mariaDbVariable = 'CRM_BACKUP_TEST_MARIADB';
