import type { Program } from './program.ts';

const BEGIN =
  '# CRM Backup: made by “crm-backup schedule install”, removed by “crm-backup schedule uninstall”';
const END = '# CRM Backup: end';

/** A script that cron starts: its own lines are short, and its environment is nearly empty. Pure. */
export function cronScript({ executable, args, env }: Program): string {
  const variables = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)}`);
  return `${['#!/bin/sh', ...variables, `exec ${[executable, ...args].map(quoted).join(' ')}`].join('\n')}\n`;
}

/** A user's table with the program in it, once, and all else as it was. Pure. */
export function withCron(table: string, { minutes }: Program, script: string): string {
  const rest = withoutCron(table);
  // A percent sign is a line break there.
  const line = `${minutes.join(',')} * * * * /bin/sh ${quoted(script).replaceAll('%', String.raw`\%`)}`;
  return `${rest}${rest === '' || rest.endsWith('\n') ? '' : '\n'}${BEGIN}\n${line}\n${END}\n`;
}

/** A user's table without the program. Pure. */
export function withoutCron(table: string): string {
  const lines = table.split('\n');
  const begin = lines.indexOf(BEGIN);
  const end = lines.indexOf(END, begin);
  if (begin < 0) return table;
  // Where the end is gone, only the one line after the beginning is ours.
  lines.splice(begin, end < 0 ? 2 : end - begin + 1);
  return withoutCron(lines.join('\n'));
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
