import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findTool } from '../../../../scripts/tools.mjs';
import { cronScript, withCron, withoutCron } from '../../../../src/core/schedule/handover/cron.ts';
import { launchdAgent } from '../../../../src/core/schedule/handover/launchd.ts';
import { type Program, programOf } from '../../../../src/core/schedule/handover/program.ts';
import { serviceUnit, timerUnit } from '../../../../src/core/schedule/handover/systemd.ts';
import { scheduledTask, taskScript } from '../../../../src/core/schedule/handover/task-scheduler.ts';
import { temporaryFolder } from '../../../build/tree.ts';

const ENV = {
  PATH: '/opt/node/bin:/usr/bin',
  CRM_BACKUP_HOME: '/home/ann/100% "mine"',
  CRM_BACKUP_PASSPHRASE: 'secret',
};
const program = programOf('/opt/node/bin/node', '/home/ann/it’s $here/cli.js', false, ENV, [
  '02:07',
  '20:00',
]);
const windows = programOf('C:\\Program Files\\Code\\Code.exe', 'C:\\Users\\Ann & Bob\\cli.js', true, {}, []);

describe('what the system’s scheduler starts', () => {
  it('looks every quarter of an hour and at the minutes that schedules name', () => {
    expect(program.minutes).toEqual([0, 7, 15, 30, 45]);
  });

  it('is VS Code’s own binary running as Node where that runs the command line', () => {
    expect(windows.env).toEqual({ ELECTRON_RUN_AS_NODE: '1' });
    expect(program.env).not.toHaveProperty('ELECTRON_RUN_AS_NODE');
  });

  it('gets no secret', () => {
    const all = [serviceUnit, cronScript, launchdAgent, taskScript].map((render) => render(program)).join('');
    expect(all).not.toContain('secret');
  });

  it('is a service and a timer for systemd', () => {
    expect(serviceUnit(program)).toMatchInlineSnapshot(`
      "[Unit]
      Description=Scheduled backups of CRM Backup

      [Service]
      Type=oneshot
      Environment="CRM_BACKUP_HOME=/home/ann/100%% \\"mine\\""
      Environment="PATH=/opt/node/bin:/usr/bin"
      ExecStart="/opt/node/bin/node" "/home/ann/it’s $$here/cli.js" "schedule" "run" "--quiet"
      Nice=10
      IOSchedulingClass=idle
      "
    `);
    expect(timerUnit(program)).toMatchInlineSnapshot(`
      "[Unit]
      Description=When CRM Backup looks what is due

      [Timer]
      OnCalendar=*-*-* *:00,07,15,30,45:00
      Persistent=true
      AccuracySec=1s
      RandomizedDelaySec=0

      [Install]
      WantedBy=timers.target
      "
    `);
  });

  it.skipIf(findTool('systemd') === undefined)('is what systemd takes without a complaint', async () => {
    await using folder = temporaryFolder();
    const real = { ...program, executable: process.execPath };
    const [service, timer] = ['crm-backup.service', 'crm-backup.timer'].map((name) =>
      join(folder.path, name),
    );
    writeFileSync(service!, serviceUnit(real));
    writeFileSync(timer!, timerUnit(real));
    const { status, stderr } = spawnSync(findTool('systemd')!, ['verify', '--man=no', service!, timer!], {
      encoding: 'utf8',
    });
    expect(stderr.split('\n').filter((line) => line.includes('crm-backup'))).toEqual([]);
    expect(status).toBe(0);
    const calendar = /OnCalendar=(.*)/.exec(timerUnit(real))?.[1] ?? '';
    const next = spawnSync(
      findTool('systemd')!,
      ['calendar', '--base-time=2026-03-01 02:01', '--iterations=2', calendar],
      { encoding: 'utf8' },
    );
    expect(next.stdout).toMatch(/2026-03-01 02:07:00[\s\S]*2026-03-01 02:15:00/);
  });

  it('is an agent for launchd', () => {
    expect(launchdAgent({ ...program, minutes: [0, 7] })).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-8"?>
      <!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
      <plist version="1.0">
      <dict>
        <key>Label</key>
        <string>com.crm-backup.schedule</string>
        <key>ProgramArguments</key>
        <array>
          <string>/opt/node/bin/node</string>
          <string>/home/ann/it’s $here/cli.js</string>
          <string>schedule</string>
          <string>run</string>
          <string>--quiet</string>
        </array>
        <key>EnvironmentVariables</key>
        <dict>
          <key>CRM_BACKUP_HOME</key>
          <string>/home/ann/100% &quot;mine&quot;</string>
          <key>PATH</key>
          <string>/opt/node/bin:/usr/bin</string>
        </dict>
        <key>StartCalendarInterval</key>
        <array>
          <dict>
            <key>Minute</key>
            <integer>0</integer>
          </dict>
          <dict>
            <key>Minute</key>
            <integer>7</integer>
          </dict>
        </array>
        <key>ProcessType</key>
        <string>Background</string>
        <key>LowPriorityIO</key>
        <true/>
        <key>Nice</key>
        <integer>10</integer>
      </dict>
      </plist>
      "
    `);
  });

  it('is a task for Task Scheduler, and a script that it starts', () => {
    expect(taskScript({ ...windows, env: { PATH: 'C:\\100%', ...windows.env } })).toMatchInlineSnapshot(`
      "@echo off
      chcp 65001 >nul
      set "PATH=C:\\100%%"
      set "ELECTRON_RUN_AS_NODE=1"
      "C:\\Program Files\\Code\\Code.exe" "C:\\Users\\Ann & Bob\\cli.js" "schedule" "run" "--quiet"
      "
    `);
    expect(
      scheduledTask(
        { ...windows, minutes: [0, 30] },
        'C:\\Users\\Ann & Bob\\run.cmd',
        'C:\\Windows\\cmd.exe',
      ),
    ).toMatchInlineSnapshot(`
      "<?xml version="1.0" encoding="UTF-16"?>
      <Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
        <RegistrationInfo>
          <Description>Scheduled backups of CRM Backup</Description>
        </RegistrationInfo>
        <Triggers>
          <CalendarTrigger>
            <StartBoundary>2020-01-01T00:00:00</StartBoundary>
            <Repetition>
              <Interval>PT1H</Interval>
              <Duration>P1D</Duration>
            </Repetition>
            <ScheduleByDay>
              <DaysInterval>1</DaysInterval>
            </ScheduleByDay>
          </CalendarTrigger>
          <CalendarTrigger>
            <StartBoundary>2020-01-01T00:30:00</StartBoundary>
            <Repetition>
              <Interval>PT1H</Interval>
              <Duration>P1D</Duration>
            </Repetition>
            <ScheduleByDay>
              <DaysInterval>1</DaysInterval>
            </ScheduleByDay>
          </CalendarTrigger>
        </Triggers>
        <Principals>
          <Principal id="Author">
            <LogonType>InteractiveToken</LogonType>
            <RunLevel>LeastPrivilege</RunLevel>
          </Principal>
        </Principals>
        <Settings>
          <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
          <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
          <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
          <StartWhenAvailable>true</StartWhenAvailable>
          <Hidden>true</Hidden>
          <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
          <Priority>8</Priority>
        </Settings>
        <Actions Context="Author">
          <Exec>
            <Command>C:\\Windows\\cmd.exe</Command>
            <Arguments>/d /c &quot;&quot;C:\\Users\\Ann &amp; Bob\\run.cmd&quot;&quot;</Arguments>
          </Exec>
        </Actions>
      </Task>
      "
    `);
  });

  it('is a script for cron that any shell reads as it is meant', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
          { maxLength: 3 },
        ),
        fc.string().filter((text) => !/[\r\n\0]/.test(text)),
        (words, value) => {
          const each: Program = {
            executable: process.execPath,
            args: ['-p', 'JSON.stringify([process.env.X, process.argv.slice(1)])', '--', ...words],
            env: { X: value },
            minutes: [0],
          };
          const { stdout } = spawnSync('sh', ['-c', cronScript(each)], { encoding: 'utf8' });
          expect(JSON.parse(stdout)).toEqual([value, words]);
        },
      ),
      { numRuns: 20, endOnFailure: true },
    );
  });

  it('stands in a user’s table once, and leaves all else as it was', () => {
    const line = fc.string().filter((text) => !text.includes('\n') && !text.startsWith('# CRM Backup'));
    fc.assert(
      fc.property(
        fc.array(line).map((lines) => lines.map((each) => `${each}\n`).join('')),
        (table) => {
          const once = withCron(table, program, '/home/ann/run.sh');
          expect(withCron(once, { ...program, minutes: [3] }, '/x')).toBe(
            withCron(table, { ...program, minutes: [3] }, '/x'),
          );
          expect(withoutCron(once)).toBe(table);
          expect(withoutCron(table)).toBe(table);
        },
      ),
    );
    expect(withCron('0 1 * * * theirs', program, "/home/ann/it's 5%/run.sh")).toMatchInlineSnapshot(`
      "0 1 * * * theirs
      # CRM Backup: made by “crm-backup schedule install”, removed by “crm-backup schedule uninstall”
      0,7,15,30,45 * * * * /bin/sh '/home/ann/it'\\''s 5\\%/run.sh'
      # CRM Backup: end
      "
    `);
  });
});
