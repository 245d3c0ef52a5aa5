import { databaseConformance } from '../../../../build/database-conformance.ts';
import { openSqlite } from '../../../../build/database-sqlite.ts';

databaseConformance('SQLite', () => openSqlite('delete'));
databaseConformance('SQLite with a write-ahead log', () => openSqlite('wal'));
