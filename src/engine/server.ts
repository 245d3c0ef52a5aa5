import { createMessageConnection, IPCMessageReader, IPCMessageWriter } from 'vscode-jsonrpc/node';
import { processSurroundings } from '../core/surroundings.ts';
import { changes, workingChanges } from './operations/changes.ts';
import { details } from './operations/details.ts';
import { findPaths } from './operations/find.ts';
import { fileHistory, lineOrigins, searchText } from './operations/history.ts';
import { list, read, stat } from './operations/entries.ts';
import { liveObject } from './operations/live-object.ts';
import { forget, label, pin, unforget } from './operations/marks.ts';
import {
  concerning,
  endInterrupted,
  planRestore,
  planUndo,
  recover,
  restore,
  undoRestore,
} from './operations/restoring.ts';
import {
  copyCell,
  copyRows,
  countRows,
  planRows,
  restoreRows,
  rows,
  tables,
  undoRows,
} from './operations/rows.ts';
import { drill, handOver, jobs, renew, runDue, scheduler, takeBack } from './operations/schedule.ts';
import { state } from './operations/state.ts';
import { backup, createSet } from './operations/take.ts';
import { figures } from './operations/dashboard.ts';
import { doctor, prune, verify } from './operations/upkeep.ts';
import { saveRecoveryKey, vaultStates } from './operations/vaults.ts';
import { Comparisons } from './comparisons.ts';
import { forgetHost } from './environment.ts';
import { awakening } from './protocol.ts';
import { secretsOfHost } from './secrets.ts';
import { serve } from './serve.ts';
import { Vaults } from './vaults.ts';

forgetHost(process.env);
const connection = createMessageConnection(new IPCMessageReader(process), new IPCMessageWriter(process));
const vaults = new Vaults({ ...processSurroundings(), secret: secretsOfHost(connection) });
const comparisons = new Comparisons(vaults);

// What an interrupted restore has left is put in order before anything looks at it.
const ready = recover(vaults).then(async (found) => {
  if (found.recovered.length > 0 || found.failure !== undefined) {
    await connection.sendNotification(awakening, found).catch(() => undefined);
  }
  // After an update of the extension its old folder is taken away, with the command line that was handed over.
  await renew(vaults).catch((error: unknown) => {
    process.stderr.write(`The system’s scheduler: ${error instanceof Error ? error.message : 'unknown'}\n`);
  });
});

const service = serve(connection, ready, {
  state: state(vaults),
  createSet: createSet(vaults),
  backup: backup(vaults),
  details: details(vaults),
  changes: changes(vaults),
  workingChanges: workingChanges(vaults),
  fileHistory: fileHistory(vaults),
  lineOrigins: lineOrigins(vaults),
  findPaths: findPaths(vaults),
  searchText: searchText(vaults),
  tables: tables(vaults, comparisons),
  liveObject: liveObject(comparisons),
  rows: rows(comparisons),
  countRows: countRows(comparisons),
  copyRows: copyRows(comparisons),
  copyCell: copyCell(comparisons),
  planRows: planRows(vaults, comparisons),
  restoreRows: restoreRows(vaults, comparisons),
  undoRows: undoRows(vaults, comparisons),
  list: list(vaults),
  stat: stat(vaults),
  read: read(vaults),
  pin: pin(vaults),
  label: label(vaults),
  forget: forget(vaults),
  unforget: unforget(vaults),
  prune: prune(vaults),
  verify: verify(vaults),
  planRestore: planRestore(vaults),
  restore: restore(vaults),
  planUndo: planUndo(vaults),
  undoRestore: undoRestore(vaults),
  concerning: concerning(vaults),
  endInterrupted: endInterrupted(vaults),
  doctor: doctor(vaults),
  figures: figures(vaults),
  jobs: jobs(vaults),
  scheduler: scheduler(vaults),
  handOver: handOver(vaults),
  takeBack: takeBack(vaults),
  runDue: runDue(vaults),
  drill: drill(vaults),
  vaults: vaultStates(vaults),
  saveRecoveryKey: saveRecoveryKey(vaults),
});

/** How long an engine that is done may take to end by itself. */
const END_WITHIN_MS = 5_000;

// The host is gone, or needs the engine no more: what changes something is finished first. Then nothing is left to
// wait for, and the process ends by itself: process.exit() can hang for ever when V8 compiles in the background.
process.once('disconnect', () => {
  void service.finish().then(async () => {
    await Promise.allSettled([ready]);
    await comparisons.close();
    connection.dispose();
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), END_WITHIN_MS).unref();
  });
});
// Nobody reads any more what is written there.
process.stderr.on('error', () => undefined);
// Errors of a connection that is gone.
connection.onError(() => undefined);
connection.listen();
