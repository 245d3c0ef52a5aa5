import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { run } from './measure.ts';
import type { Machine } from './result.ts';

/** Tells what the figures were measured on. Nothing in it names the machine or its user. */
export async function describeMachine(scratch: string, restoreTo: string): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown processor',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${distribution()} (${type()} ${release()})`,
    repositoriesOn: await fileSystemOf(scratch),
    restoredTo: await fileSystemOf(restoreTo),
  };
}

function distribution(): string {
  try {
    return /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? type();
  } catch {
    return type();
  }
}

async function fileSystemOf(directory: string): Promise<string> {
  try {
    return (await run({ argv: ['df', '--output=fstype', directory] })).split('\n')[1]?.trim() ?? 'unknown';
  } catch {
    return 'an unknown file system';
  }
}
