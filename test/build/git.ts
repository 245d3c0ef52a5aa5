import { execFileSync } from 'node:child_process';

/** Runs git in a folder as somebody with a name and no configuration of their own, and gives what it prints. */
export function git(folder: string, ...args: readonly string[]): string {
  const environment = {
    PATH: process.env['PATH'],
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'A Developer',
    GIT_AUTHOR_EMAIL: 'developer@example.org',
    GIT_COMMITTER_NAME: 'A Developer',
    GIT_COMMITTER_EMAIL: 'developer@example.org',
  };
  const config = ['-c', 'protocol.file.allow=always', '-c', 'init.defaultBranch=main'];
  const told = execFileSync('git', [...config, ...args], { cwd: folder, env: environment, stdio: 'pipe' });
  return told.toString().trim();
}
