import { spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { findTool } from '../../../scripts/tools.mjs';
import { EngineClient } from '../../../src/engine/client.ts';
import { buildForNode } from '../../build/bundle.ts';
import { useCli } from '../../build/cli.ts';
import { clockAt, hasFaketime } from '../../build/moved-clock.ts';
import { DAILY, writeSchedule } from '../../build/schedule.ts';

const cli = await useCli();

const cron = findTool('cron');
const hasCron = cron !== undefined && hasFaketime && process.getuid?.() === 0;

function crontab(): string {
  const { status, stdout } = spawnSync('crontab', ['-l'], { encoding: 'utf8' });
  return status === 0 ? stdout : '';
}

describe.skipIf(!hasCron)('schedule, handed to cron', () => {
  it('runs when nobody is there, once for however often it is installed, and goes without a trace', async () => {
    const options = { env: { PATH: onlyCrontab() } };
    writeSchedule(cli.workspace, DAILY);
    const link = join(cli.scratch, 'link');
    symlinkSync(cli.workspace, link);
    await cli.must(['init', '--yes']);
    const before = crontab();
    const daemon = spawn(cron!, ['-f'], {
      env: { ...process.env, ...clockAt(new Date().toISOString()), FAKETIME: '+0 x60' },
      stdio: 'ignore',
    });
    try {
      for (const name of [cli.workspace, link]) {
        const { code, text } = await cli.run(['-C', name, 'schedule', 'install', '--json'], options);
        expect(code).toBe(0);
        expect(JSON.parse(text)).toMatchObject({ scheduler: 'cron', workspaces: [cli.workspace] });
      }
      expect(
        crontab()
          .split('\n')
          .filter((line) => line.includes('run.sh')),
      ).toHaveLength(1);
      for (;;) {
        const { text } = await cli.run(['list', '--json']);
        if ((JSON.parse(text) as { backups: unknown[] }).backups.length > 0) break;
        await pause(200);
      }
      expect((await cli.run(['-C', link, 'schedule', 'uninstall'], options)).code).toBe(0);
      expect(crontab()).toBe(before);
      const { text } = await cli.run(['schedule', 'list', '--json']);
      expect(JSON.parse(text)).toMatchObject({ jobs: [{ lastStatus: 'done' }] });
    } finally {
      daemon.kill();
      await cli.run(['schedule', 'uninstall', '--all'], options);
    }
  });

  it('goes on after an update of the extension that did it, with the new version', async () => {
    await using engine = await buildForNode('src/engine/server.ts');
    const bin = onlyCrontab();
    const before = crontab();
    /** An extension as it is installed: what its folder holds. */
    const extension = (version: string): string => {
      const folder = join(cli.scratch, `crm-backup-${version}`, 'dist');
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, '../package.json'), JSON.stringify({ version }));
      copyFileSync(engine.script, join(folder, 'engine.js'));
      copyFileSync(cli.script, join(folder, 'cli.js'));
      copyFileSync(join(dirname(cli.script), 'program.js'), join(folder, 'program.js'));
      appendFileSync(join(folder, 'program.js'), `// ${version}\n`);
      return folder;
    };
    const using = async (folder: string, operation: 'handOver' | 'scheduler' | 'takeBack') => {
      const client = new EngineClient({
        script: join(folder, 'engine.js'),
        environment: { CRM_BACKUP_HOME: cli.home, PATH: bin },
        idleMs: 60_000,
        log: () => undefined,
      });
      try {
        return await client.call(operation, { workspace: cli.workspace });
      } finally {
        client.dispose();
      }
    };
    const program = (): string => readFileSync(join(cli.home, 'schedules/program/program.js'), 'utf8');
    const runByCron = () => {
      const [, script = ''] = /'(.*run\.sh)'/.exec(crontab()) ?? [];
      return spawnSync('sh', [script], { encoding: 'utf8' });
    };
    writeSchedule(cli.workspace, DAILY);
    await cli.must(['init', '--yes']);
    const [old, fresh] = [extension('0.9.0'), extension('0.10.0')];
    await using(fresh, 'scheduler');
    expect(existsSync(join(cli.home, 'schedules'))).toBe(false);
    try {
      await using(old, 'handOver');
      // The editor takes the old folder away at its next start, whatever folder is opened then.
      rmSync(dirname(old), { recursive: true });
      expect(runByCron()).toMatchObject({ status: 0, stderr: '' });
      expect(await using(fresh, 'scheduler')).toMatchObject({ isHandedOver: true });
      expect(program()).toMatch(/\/\/ 0\.10\.0\n$/);
      expect(runByCron()).toMatchObject({ status: 0, stderr: '' });
      // An older one, in another editor, changes nothing.
      await using(extension('0.9.1'), 'scheduler');
      expect(program()).toMatch(/\/\/ 0\.10\.0\n$/);
      // Should what was kept be gone, it is made anew.
      rmSync(join(cli.home, 'schedules/program'), { recursive: true });
      expect(runByCron().status).not.toBe(0);
      expect(await using(fresh, 'scheduler')).toMatchObject({ isHandedOver: true });
      expect(runByCron()).toMatchObject({ status: 0, stderr: '' });
    } finally {
      await using(fresh, 'takeBack');
    }
    expect(crontab()).toBe(before);
    await using(fresh, 'scheduler');
    expect(existsSync(join(cli.home, 'schedules/program'))).toBe(false);
  });
});

/** A folder with nothing but `crontab`: where only this is found, there is no systemd. */
function onlyCrontab(): string {
  const bin = join(cli.scratch, 'bin');
  mkdirSync(bin);
  symlinkSync(spawnSync('which', ['crontab'], { encoding: 'utf8' }).stdout.trim(), join(bin, 'crontab'));
  return bin;
}
