import type { Program } from './program.ts';

/** The name of both units, without their ends. */
export const UNIT = 'crm-backup';

/** The unit that does what is due. Pure. */
export function serviceUnit({ executable, args, env }: Program): string {
  const variables = Object.entries(env).map(
    ([name, value]) => `Environment=${quoted(`${name}=${value}`, false)}`,
  );
  return `[Unit]
Description=Scheduled backups of CRM Backup

[Service]
Type=oneshot
${[...variables, `ExecStart=${[executable, ...args].map((word) => quoted(word, true)).join(' ')}`].join('\n')}
Nice=10
IOSchedulingClass=idle
`;
}

/** The unit that says when. Pure. */
export function timerUnit({ minutes }: Program): string {
  const times = minutes.map((minute) => String(minute).padStart(2, '0')).join(',');
  return `[Unit]
Description=When CRM Backup looks what is due

[Timer]
OnCalendar=*-*-* *:${times}:00
Persistent=true
AccuracySec=1s
RandomizedDelaySec=0

[Install]
WantedBy=timers.target
`;
}

/** A word as unit files have it: percent signs are specifiers there, and in commands dollars are variables. */
function quoted(word: string, isCommand: boolean): string {
  const escaped = word
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('%', '%%');
  return `"${isCommand ? escaped.replaceAll('$', '$$$$') : escaped}"`;
}
