import { type Task, throwIfCancelled } from '../../task.ts';
import type { DatabaseAddress, DatabaseConnection } from '../engine.ts';
import { type Commands, commandsOf, firstProgramOf, needsFirstProgram } from './commands.ts';
import { describeCommands } from './describe.ts';
import { takeSnapshot } from './dump.ts';
import { commandFailure } from './failure.ts';
import { findProgram, shellFor } from './shell.ts';

/**
 * Looks whether the dump command can be run. Who answers there is known only when it is.
 * @throws {DatabaseError} `invalid-address`, `missing-tool`.
 */
export async function connect(address: DatabaseAddress, task: Task): Promise<DatabaseConnection> {
  throwIfCancelled(task);
  const commands = commandsOf(address);
  mustBeThere(commands, 'dump');
  return Promise.resolve({
    describe: async () => Promise.resolve(describeCommands(commands)),
    snapshot: async () => Promise.resolve(takeSnapshot(commands)),
    [Symbol.asyncDispose]: async () => Promise.resolve(),
  });
}

/** @throws {DatabaseError} `missing-tool` when there is no shell for a command, or surely not the program it needs first. */
export function mustBeThere(commands: Commands, which: 'dump' | 'restore'): void {
  shellFor(commands.name, commands[which]);
  const program = firstProgramOf(commands[which]);
  if (program === undefined || !needsFirstProgram(commands[which])) return;
  if (findProgram(commands, program) !== undefined) return;
  throw commandFailure(commands, which, 127, program);
}
