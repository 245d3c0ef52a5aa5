import type { Command } from 'commander';
import { defineBackup } from './backup.ts';
import { defineCat } from './cat.ts';
import { defineDiff } from './diff.ts';
import { defineDoctor } from './doctor.ts';
import { defineFind } from './find.ts';
import { defineForget } from './forget.ts';
import { defineInit } from './init.ts';
import { defineInterrupted } from './interrupted.ts';
import { defineKey } from './key.ts';
import { defineLabel, definePins } from './label.ts';
import { defineList } from './list.ts';
import { defineLog } from './log.ts';
import { defineLs } from './ls.ts';
import { defineSchedule } from './schedule.ts';
import type { Act } from './session.ts';
import { definePrune } from './prune.ts';
import { defineRepair } from './repair.ts';
import { defineRestore } from './restore.ts';
import { defineShow } from './show.ts';
import { defineStats } from './stats.ts';
import { defineVerify } from './verify.ts';

/**
 * All commands, in the order in which help lists them. Their files define them; what a command works with is imported
 * when it runs, so that starting stays fast.
 */
export function defineCommands(program: Command, act: Act): void {
  for (const define of [
    defineInit,
    defineBackup,
    defineList,
    defineShow,
    defineLs,
    defineCat,
    defineDiff,
    defineLog,
    defineFind,
    defineRestore,
    defineInterrupted,
    defineVerify,
    defineRepair,
    definePins,
    defineLabel,
    defineForget,
    definePrune,
    defineStats,
    defineSchedule,
    defineKey,
    defineDoctor,
  ]) {
    define(program, act);
  }
}
