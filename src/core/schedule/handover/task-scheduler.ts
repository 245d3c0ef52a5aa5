import { escaped } from './launchd.ts';
import type { Program } from './program.ts';

/** The name of the task. */
export const TASK = 'CRM Backup';

/** A script that the task starts, for a task has no environment of its own. Pure. */
export function taskScript({ executable, args, env }: Program): string {
  const variables = Object.entries(env).map(
    ([name, value]) => `set "${name}=${value.replaceAll('%', '%%')}"`,
  );
  const command = [executable, ...args].map((word) => `"${word.replaceAll('%', '%%')}"`).join(' ');
  return ['@echo off', 'chcp 65001 >nul', ...variables, command, ''].join('\r\n');
}

/**
 * The task for Windows' Task Scheduler: one trigger for each minute of the hour. Pure.
 * @param script the file with {@link taskScript}
 * @param host `cmd.exe`, absolute
 */
export function scheduledTask({ minutes }: Program, script: string, host: string): string {
  const triggers = minutes.map(
    (minute) => `    <CalendarTrigger>
      <StartBoundary>2020-01-01T00:${String(minute).padStart(2, '0')}:00</StartBoundary>
      <Repetition>
        <Interval>PT1H</Interval>
        <Duration>P1D</Duration>
      </Repetition>
      <ScheduleByDay>
        <DaysInterval>1</DaysInterval>
      </ScheduleByDay>
    </CalendarTrigger>`,
  );
  return `<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>Scheduled backups of CRM Backup</Description>
  </RegistrationInfo>
  <Triggers>
${triggers.join('\n')}
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
      <Command>${escaped(host)}</Command>
      <Arguments>${escaped(`/d /c ""${script}""`)}</Arguments>
    </Exec>
  </Actions>
</Task>
`.replaceAll('\n', '\r\n');
}
