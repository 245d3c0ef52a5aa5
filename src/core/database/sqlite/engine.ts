import type { DatabaseEngine } from '../engine.ts';
import { liveName } from './address.ts';
import { connect } from './connect.ts';
import { editRows, rowStatement } from './edit-rows.ts';
import { extract, openTarget } from './restore.ts';
import { readTicket } from './ticket.ts';

/** SQLite 3: a database is a file. */
export const sqlite: DatabaseEngine = {
  name: 'sqlite',
  connect,
  openTarget,
  liveName,
  beside: (_database, ticket) => [readTicket(ticket).folder],
  extract,
  editRows,
  rowStatement,
};
