import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { useCli } from '../../build/cli.ts';

const cli = await useCli();
beforeEach(() => writeFileSync(join(cli.workspace, 'a.txt'), 'alpha'));

async function use(hooks: object): Promise<void> {
  cli.writeSets({ name: 'crm', files: [{ root: '.', include: ['a.txt', 'made'] }], hooks });
  await cli.must(['init', '--yes']);
}

async function backups(): Promise<number> {
  return (await cli.json(['list'])).value.backups.length;
}

const log = (): string => readFileSync(join(cli.scratch, 'log'), 'utf8');
const write = (text: string): string => `echo "${text}" >> '${join(cli.scratch, 'log')}'`;

describe.skipIf(process.platform === 'win32')('commands around a backup', () => {
  it('run before and after it, in the workspace', async () => {
    await use({
      before: { command: `echo made > made; ${write('before $CRM_BACKUP_SET')}` },
      after: { command: write('after $CRM_BACKUP_STATUS $CRM_BACKUP_ID') },
    });
    const { code, value } = await cli.json(['backup']);
    expect(code).toBe(0);
    expect(log()).toBe(`before crm\nafter complete ${value.id}\n`);
    const entries = (await cli.json(['ls', 'latest', '--recursive'])).value.entries.map(({ path }) => path);
    expect(entries).toContain('files/workspace/made');
    expect((await cli.json(['backup', '--dry-run'])).code).toBe(0);
    expect(log().split('\n')).toHaveLength(3);
  });

  it('stop it when the first fails, and the one after runs all the same', async () => {
    await use({
      before: { command: 'echo no room; exit 3' },
      after: { command: write('after $CRM_BACKUP_STATUS') },
    });
    const { code, value } = await cli.json(['backup']);
    expect([code, value.error.code]).toEqual([1, 'hook-failed']);
    expect(value.error.message).toBe('The command before the backup of “crm” ended with 3: no room.');
    expect(log()).toBe('after failed\n');
    expect(await backups()).toBe(0);
  });

  it('leave the backup there when the one after it fails, and tell both', async () => {
    await use({ after: { command: 'echo STILL ON; exit 3' } });
    const sentence = 'The command after the backup of “crm” ended with 3: STILL ON.';
    const { code, value } = await cli.json(['backup']);
    expect([code, value.status, value.error.code]).toEqual([1, 'complete', 'hook-failed']);
    expect(value.error.message).toBe(sentence);
    expect((await cli.json(['list'])).value.backups).toMatchObject([{ id: value.id }]);
    const { code: again, text, stderr } = await cli.run(['backup']);
    expect(again).toBe(1);
    expect(text).toMatch(/^Backup [0-9a-f]+ of “crm”/);
    expect(stderr).toContain(`crm-backup: ${sentence}\nhint: `);
    expect(await backups()).toBe(2);
  });

  it('tell that the one after failed, too, when the backup or the one before has failed', async () => {
    const after = { command: 'echo STILL ON; exit 4' };
    const sentence = 'The command after the backup of “crm” ended with 4: STILL ON.';
    await use({ before: { command: 'exit 3' }, after });
    const { value } = await cli.json(['backup']);
    expect(value.error.message).toBe(`The command before the backup of “crm” ended with 3. ${sentence}`);
    rmSync(join(cli.workspace, 'a.txt'));
    await use({
      before: { command: 'exit 3', onFailure: 'continue' },
      after: { ...after, onFailure: 'continue' },
    });
    const { error } = (await cli.json(['backup'])).value;
    expect(error.code).toBe('nothing-to-back-up');
    expect(error.message).toContain('The command before the backup of “crm” ended with 3.');
    expect(error.message).toContain(sentence);
  });

  it('tell that the one after failed also when the backup was cancelled', async () => {
    await use({ before: { command: 'kill -INT $PPID; sleep 60' }, after: { command: 'exit 4' } });
    const { code, value } = await cli.json(['backup']);
    expect([code, value.error.code]).toEqual([1, 'hook-failed']);
    expect(value.error.message).toMatch(/was cancelled.* after the backup of “crm” ended with 4\.$/);
    expect(await backups()).toBe(0);
  });

  it('are only told of when they are not to stop anything', async () => {
    await use({
      before: { command: 'exit 3', onFailure: 'continue' },
      after: { command: 'exit 4', onFailure: 'continue' },
    });
    const { code, stderr } = await cli.run(['backup']);
    expect(code).toBe(0);
    expect(stderr).toContain('ended with 3');
    expect(stderr).toContain('ended with 4');
    expect(await backups()).toBe(1);
  });

  it('are ended with all they have started when they take too long', async () => {
    await use({ before: { command: `(sleep 60; ${write('late')}) & sleep 60`, timeout: 0.01 } });
    const { code, value } = await cli.json(['backup']);
    expect(code).toBe(1);
    expect(value.error.message).toContain('did not end within 0.01 minutes');
    expect(existsSync(join(cli.scratch, 'log'))).toBe(false);
  });

  it('may leave something running, which outlives them', async () => {
    const worker = `(sleep 3; ${write('at work')}) &`;
    await use({ before: { command: worker, timeout: 0.02 }, after: { command: 'exit 0' } });
    expect((await cli.json(['backup'])).code).toBe(0);
    await expect.poll(() => existsSync(join(cli.scratch, 'log')), { timeout: 30_000 }).toBe(true);
  });

  it('have failed when they took too long, whatever they end with', async () => {
    await use({ before: { command: 'trap "exit 0" TERM; sleep 60 & wait', timeout: 0.01 } });
    expect((await cli.json(['backup'])).value.error.message).toContain('did not end within 0.01 minutes');
  });

  it.each([4.1, 100_000])('may take %d minutes', async (timeout) => {
    await use({ before: { command: 'sleep 0.2', timeout } });
    expect((await cli.json(['backup'])).code).toBe(0);
  });

  it('do not run as Node what they start, though we do in an editor’s program', async () => {
    const electron = join(cli.scratch, 'electron.cjs');
    writeFileSync(electron, "Object.defineProperty(process.versions, 'electron', { value: '1' });");
    await use({ before: { command: write('as node: $ELECTRON_RUN_AS_NODE') } });
    const env = { ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: `--require ${electron}` };
    expect((await cli.run(['backup'], { env })).code).toBe(0);
    expect(log()).toBe('as node: \n');
  });

  it('see no secret of ours, and none of the environment’s is shown', async () => {
    await use({ before: { command: 'echo "$CRM_BACKUP_SECRET_DB|$DB_PASSWORD"; exit 1' } });
    const env = { CRM_BACKUP_SECRET_DB: 'hidden-one', DB_PASSWORD: 'hidden-two' };
    const { text, stderr } = await cli.run(['backup', '--json'], { env });
    expect(text + stderr).not.toContain('hidden');
    expect(text).toContain('•••');
  });
});
