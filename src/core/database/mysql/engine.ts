import type { DatabaseEngine } from '../engine.ts';
import { liveName } from './address.ts';
import { connect } from './connect.ts';
import { editRows, rowStatement } from './edit-rows.ts';
import { extract } from './extract.ts';
import { openTarget } from './restore.ts';
import { besideOf, readTicket } from './ticket.ts';

/** MySQL and MariaDB: a database is a schema of a server. */
export const mysql: DatabaseEngine = {
  name: 'mysql',
  connect,
  openTarget,
  liveName,
  beside: (_database, ticket) => besideOf(readTicket(ticket)),
  extract,
  editRows,
  rowStatement,
};
