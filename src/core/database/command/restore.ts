import { createHash } from 'node:crypto';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type Task, throwIfCancelled } from '../../task.ts';
import type {
  DatabaseAddress,
  DatabasePlan,
  DumpSource,
  LiveContent,
  RestoreRequest,
  RestoreTarget,
} from '../engine.ts';
import { DatabaseError } from '../error.ts';
import { type Commands, commandsOf, loaderOf } from './commands.ts';
import { mustBeThere } from './connect.ts';
import { DUMP, dumpTo } from './dump.ts';
import { isRunning, runRestore } from './run-restore.ts';
import {
  makeFolder,
  mustHaveRoom,
  type Places,
  placesOf,
  readMark,
  readTicket,
  removeFolder,
  type Ticket,
  writeWhole,
} from './staging.ts';

const WAIT_FOR_COMMAND_MS = 10_000;
const LOOK_EVERY_MS = 200;

/**
 * Opens where a dump by command is restored to: wherever the restore command leads. The database cannot be built beside
 * the live one, so what stands in for that is a dump of the live one, taken before the switch by the dump command and
 * fed to the restore command again when the restore fails.
 * @throws {DatabaseError} `invalid-address`, `cannot-hold` when another target is asked for.
 */
export async function openTarget(
  address: DatabaseAddress,
  target: string | undefined,
): Promise<RestoreTarget> {
  const commands = commandsOf(address);
  if (target !== undefined) {
    throw new DatabaseError(
      'cannot-hold',
      `“${commands.name}” is restored to where its restore command leads.`,
      {
        hint: 'Restore it with --to to a folder, and load it from there with a command of your own.',
      },
    );
  }
  return Promise.resolve({
    plan: async (source, request) => Promise.resolve(plan(commands, source, request)),
    build: async (source, ticket, task) => build(commands, source, readTicket(ticket), task),
    switch: async (ticket) => switchTo(commands, placesOf(commands, readTicket(ticket))),
    switchBack: async (ticket) => switchBack(commands, placesOf(commands, readTicket(ticket))),
    clear: async (ticket) => clear(commands, placesOf(commands, readTicket(ticket))),
    whichIsLive: async (ticket) => Promise.resolve(whichIsLive(placesOf(commands, readTicket(ticket)))),
    keepLive: async (ticket) => keepLive(commands, placesOf(commands, readTicket(ticket))),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  });
}

function plan(commands: Commands, source: DumpSource, request: RestoreRequest): DatabasePlan {
  const { name } = commands;
  const { restoreId, tables, mayLoseLive = false } = request;
  if (tables !== undefined) {
    throw new DatabaseError(
      'cannot-hold',
      `Single tables of “${name}” cannot be restored: its dump is one piece.`,
      {
        hint: 'Restore the whole database, or restore it with --to to a folder and take what you need.',
      },
    );
  }
  mustBeThere(commands, 'restore');
  mustBeThere(commands, 'dump');
  mustHaveRoom(commands, source.objects.find(({ path }) => path === DUMP)?.bytes ?? 0);
  const ticket: Ticket = { restoreId, mayLoseLive };
  const saved = mayLoseLive
    ? 'If its dump command cannot save what is there now, the restore goes on, and a failure leaves what the tool leaves.'
    : 'What is there now is saved by its dump command first and loaded again when the restore fails; whether that brings back everything depends on the tool.';
  return {
    ticket: { ...ticket },
    target: `${name}, by ${loaderOf(commands)}`,
    creates: false,
    tables: 0,
    notices: [
      `The restore command changes “${name}” in place: others see it half loaded meanwhile, and what it holds afterwards cannot be checked.`,
      saved,
    ],
  };
}

async function build(commands: Commands, source: DumpSource, ticket: Ticket, task: Task): Promise<void> {
  const places = placesOf(commands, ticket);
  makeFolder(places);
  await writeWhole(places.fresh, async (write) => copyChecked(source, write, task));
  try {
    await writeWhole(places.old, async (write) => {
      await dumpTo(commands, write, task);
    });
  } catch (error) {
    throwIfCancelled(task);
    if (!(error instanceof DatabaseError)) throw error;
    if (ticket.mayLoseLive) return;
    throw new DatabaseError(
      'check-failed',
      `What is in “${commands.name}” now could not be saved. ${error.message}`,
      {
        cause: error,
        hint: 'Nothing was changed. If there is nothing worth saving, restore with --no-safety-backup.',
      },
    );
  }
}

/** @throws {DatabaseError} `check-failed` when the content is not what was dumped. */
export async function copyChecked(
  source: DumpSource,
  write: (block: Buffer) => Promise<void>,
  task: Task,
): Promise<void> {
  const { name, info } = source;
  const total = Number(info.details['bytes']);
  const hash = createHash('sha256');
  let done = 0;
  for await (const block of source.read(DUMP)) {
    throwIfCancelled(task);
    hash.update(block);
    await write(block);
    done += block.length;
    task.progress?.({ phase: 'load', done, total: Math.max(total, done), unit: 'bytes' });
  }
  if (done === total && hash.digest('hex') === info.details['sha256']) return;
  throw new DatabaseError('check-failed', `The dump of “${name}” is not what was backed up.`, {
    hint: 'Nothing was changed. Run “crm-backup verify --level data”.',
  });
}

async function switchTo(commands: Commands, places: Places): Promise<void> {
  const { fresh, applying, applied } = places;
  await mustNotBeRunning(commands, places);
  if (existsSync(fresh)) renameSync(fresh, applying);
  if (!existsSync(applying)) return;
  try {
    await load(commands, places, applying);
  } catch (error) {
    await undo(commands, places, error);
    throw error;
  }
  renameSync(applying, applied);
}

/** After a failed load: what was there before is loaded again. */
async function undo(commands: Commands, places: Places, cause: unknown): Promise<void> {
  const { name } = commands;
  const message = cause instanceof Error ? cause.message : '';
  if (!existsSync(places.old)) {
    renameSync(places.applying, places.fresh);
    throw new DatabaseError(
      'write-failed',
      `${message} “${name}” is as the command left it: nothing of before was saved.`,
      {
        cause,
        hint: 'Restore another backup of it.',
      },
    );
  }
  try {
    await switchBack(commands, places);
  } catch (error) {
    throw new DatabaseError(
      'write-failed',
      `${message} What was there before could not be loaded again either.`,
      {
        cause: new AggregateError([cause, error]),
        hint: `It stands in ${places.old}; it is tried again with the next restore.`,
      },
    );
  }
}

async function switchBack(commands: Commands, places: Places): Promise<void> {
  const { fresh, applying, applied, old } = places;
  await mustNotBeRunning(commands, places);
  const changed = [applied, applying].find((file) => existsSync(file));
  if (changed === undefined) return;
  if (existsSync(old)) await load(commands, places, old);
  renameSync(changed, fresh);
}

async function load(commands: Commands, { log, running }: Places, dump: string): Promise<void> {
  await runRestore(commands, dump, log, running);
}

async function clear(commands: Commands, places: Places): Promise<void> {
  await mustNotBeRunning(commands, places);
  removeFolder(places);
}

/** While the command runs, and after it was killed or has failed, nobody knows what it has done. */
function whichIsLive({ applying, applied }: Places): LiveContent {
  if (existsSync(applying)) return 'unsure';
  return existsSync(applied) ? 'new' : 'old';
}

async function keepLive(commands: Commands, places: Places): Promise<string | undefined> {
  await mustNotBeRunning(commands, places);
  const { fresh, applying, applied, log, running, old } = places;
  if (existsSync(fresh) || !existsSync(old)) {
    removeFolder(places);
    return undefined;
  }
  for (const file of [applying, applied, log, running]) rmSync(file, { force: true });
  return old;
}

/**
 * The command of a process that was killed may still be at work, and no two may be.
 * @throws {DatabaseError} `busy`.
 */
async function mustNotBeRunning({ name }: Commands, places: Places): Promise<void> {
  const mark = readMark(places);
  if (mark === undefined) return;
  for (let waited = 0; isRunning(mark); waited += LOOK_EVERY_MS) {
    if (waited >= WAIT_FOR_COMMAND_MS) {
      throw new DatabaseError(
        'busy',
        `The restore command of “${name}” that an interrupted restore has started is still running as process ${mark.split(' ')[0]}.`,
        { hint: 'Wait until it ends, or end it, then try again.' },
      );
    }
    await wait(LOOK_EVERY_MS);
  }
}
