import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { homeOf, type Surroundings } from '../../surroundings.ts';
import { ScheduleError } from '../error.ts';
import { cronScript, withCron, withoutCron } from './cron.ts';
import { AGENT, launchdAgent } from './launchd.ts';
import type { Program } from './program.ts';
import { serviceUnit, timerUnit, UNIT } from './systemd.ts';
import { scheduledTask, TASK, taskScript } from './task-scheduler.ts';

/** The system's own schedulers. */
export type Scheduler = 'systemd' | 'cron' | 'launchd' | 'task-scheduler';

/** What was handed over. */
export interface Handover {
  readonly scheduler: Scheduler;
  /** Files that were written. */
  readonly files: readonly string[];
  /** A sentence worth knowing. */
  readonly notice: string | undefined;
}

/**
 * Has the system's scheduler start a program; what it had of ours before is replaced.
 * @throws {ScheduleError}
 */
export function install(program: Program, surroundings: Surroundings): Handover {
  const scheduler = schedulerOf(surroundings);
  switch (scheduler) {
    case 'systemd':
      removeFromCron(surroundings);
      return installSystemd(program, surroundings);
    case 'cron':
      return installCron(program, surroundings);
    case 'launchd':
      return installLaunchd(program, surroundings);
    case 'task-scheduler':
      return installTask(program, surroundings);
  }
}

/** Takes it away again, wherever it is. Does nothing where there is nothing. @throws {ScheduleError} */
export function uninstall(surroundings: Surroundings): void {
  const { platform } = surroundings;
  if (platform === 'win32') {
    spawnSync('schtasks.exe', ['/Delete', '/F', '/TN', TASK], { windowsHide: true });
    rmSync(scriptFile(surroundings), { force: true });
  } else if (platform === 'darwin') {
    spawnSync('launchctl', ['bootout', `gui/${userInfo().uid}/${AGENT}`]);
    rmSync(agentFile(surroundings), { force: true });
  } else {
    removeFromSystemd(surroundings);
    removeFromCron(surroundings);
  }
}

function schedulerOf({ platform }: Surroundings): Scheduler {
  if (platform === 'win32') return 'task-scheduler';
  if (platform === 'darwin') return 'launchd';
  if (spawnSync('systemctl', ['--user', 'show-environment'], { stdio: 'ignore' }).status === 0)
    return 'systemd';
  if (spawnSync('crontab', ['-l'], { stdio: 'ignore' }).error === undefined) return 'cron';
  throw new ScheduleError('no-scheduler', 'This system has neither systemd for its users nor cron.', {
    hint: 'Install cron, or have “crm-backup schedule run” started every few minutes by what you have.',
  });
}

function installSystemd(program: Program, surroundings: Surroundings): Handover {
  const folder = unitFolder(surroundings);
  const [service, timer] = unitFiles(folder);
  write(service, serviceUnit(program));
  write(timer, timerUnit(program));
  must('systemctl', ['--user', 'daemon-reload']);
  must('systemctl', ['--user', 'enable', '--now', `${UNIT}.timer`]);
  // What it has of the times before is gone only then.
  must('systemctl', ['--user', 'restart', `${UNIT}.timer`]);
  const lingers = existsSync(join('/var/lib/systemd/linger', userInfo().username));
  return {
    scheduler: 'systemd',
    files: [service, timer],
    notice: lingers
      ? undefined
      : 'It runs while you are logged in; “loginctl enable-linger” has it run when you are not, too.',
  };
}

function removeFromSystemd(surroundings: Surroundings): void {
  const files = unitFiles(unitFolder(surroundings));
  if (!files.some((file) => existsSync(file))) return;
  spawnSync('systemctl', ['--user', 'disable', '--now', `${UNIT}.timer`], { stdio: 'ignore' });
  for (const file of files) rmSync(file, { force: true });
  spawnSync('systemctl', ['--user', 'daemon-reload'], { stdio: 'ignore' });
}

function installCron(program: Program, surroundings: Surroundings): Handover {
  const script = scriptFile(surroundings);
  write(script, cronScript(program));
  const table = readTable();
  const fresh = withCron(table, program, script);
  if (fresh !== table) writeTable(fresh);
  return { scheduler: 'cron', files: [script], notice: undefined };
}

function removeFromCron(surroundings: Surroundings): void {
  const table = readTable();
  const rest = withoutCron(table);
  if (rest !== table) writeTable(rest);
  rmSync(scriptFile(surroundings), { force: true });
}

/** The user's table; empty where there is none, or no cron. */
function readTable(): string {
  const { status, stdout } = spawnSync('crontab', ['-l'], { encoding: 'utf8' });
  return status === 0 ? stdout : '';
}

function writeTable(table: string): void {
  must('crontab', table === '' ? ['-r'] : ['-'], table);
}

function installLaunchd(program: Program, surroundings: Surroundings): Handover {
  const file = agentFile(surroundings);
  write(file, launchdAgent(program));
  const domain = `gui/${userInfo().uid}`;
  spawnSync('launchctl', ['bootout', `${domain}/${AGENT}`], { stdio: 'ignore' });
  must('launchctl', ['bootstrap', domain, file]);
  return { scheduler: 'launchd', files: [file], notice: undefined };
}

function installTask(program: Program, surroundings: Surroundings): Handover {
  const script = scriptFile(surroundings);
  write(script, taskScript(program));
  const definition = `${script}.xml`;
  const host = surroundings.env['ComSpec'] ?? 'cmd.exe';
  // The program wants it as the heading says.
  writeFileSync(definition, `\ufeff${scheduledTask(program, script, host)}`, 'utf16le');
  try {
    must('schtasks.exe', ['/Create', '/F', '/TN', TASK, '/XML', definition]);
  } finally {
    rmSync(definition, { force: true });
  }
  return { scheduler: 'task-scheduler', files: [script], notice: undefined };
}

function unitFolder({ env, userHome }: Surroundings): string {
  return join(env['XDG_CONFIG_HOME'] || join(userHome, '.config'), 'systemd/user');
}

function unitFiles(folder: string): [service: string, timer: string] {
  return [join(folder, `${UNIT}.service`), join(folder, `${UNIT}.timer`)];
}

function agentFile({ userHome }: Surroundings): string {
  return join(userHome, 'Library/LaunchAgents', `${AGENT}.plist`);
}

function scriptFile(surroundings: Surroundings): string {
  return join(homeOf(surroundings), 'schedules', surroundings.platform === 'win32' ? 'run.cmd' : 'run.sh');
}

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
}

function must(program: string, args: readonly string[], input?: string): void {
  const { status, error, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    windowsHide: true,
    ...(input === undefined ? {} : { input }),
  });
  if (status === 0) return;
  const why = error?.message ?? (stderr.trim().split('\n').at(-1) || `it ended with ${status}`);
  throw new ScheduleError('scheduler-failed', `${program} could not do its part: ${why}`, {
    cause: error,
    hint: 'Nothing is lost: “crm-backup schedule run” does by hand what is due.',
  });
}
