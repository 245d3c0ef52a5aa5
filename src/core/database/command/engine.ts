import type { DatabaseEngine } from '../engine.ts';
import { connect } from './connect.ts';
import { extract } from './extract.ts';
import { openTarget } from './restore.ts';
import { liveName } from './commands.ts';
import { placesOf, readTicket } from './staging.ts';

/** Any database by its own tools: one command writes the dump, another one reads it. */
export const command: DatabaseEngine = {
  name: 'command',
  connect,
  openTarget,
  liveName,
  beside: (database, ticket) => [placesOf(database, readTicket(ticket)).folder],
  extract,
};
