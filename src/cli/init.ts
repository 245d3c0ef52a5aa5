import { realpath, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { CancelledError } from '../core/errors.ts';
import type { PlacedSet } from '../core/open.ts';
import type { BackupSet, NewSet } from '../core/set/definition.ts';
import { plainText, printable } from '../core/printable.ts';
import { confirm } from './prompt.ts';
import type { Act, Outcome, Session } from './session.ts';
import { formatFacts } from './table.ts';
import { UsageError } from './usage.ts';

interface InitOptions {
  readonly name?: string;
  readonly yes?: true;
}

const NEXT_STEPS = [
  '',
  'Backups are encrypted: without the key nobody can read them, you neither. Keep a copy elsewhere:',
  '  crm-backup key recovery --out FILE',
  'Take the first backup:',
  '  crm-backup backup',
];

const PASSPHRASE_TOO = ['passphrase', 'that of CRM_BACKUP_PASSPHRASE opens the vault, too'] as const;

/** `init`: write the set file, make the vault and its key; what exists already is kept. */
export function defineInit(program: Command, act: Act): void {
  program
    .command('init')
    .description('set up backups for a workspace: the set file, the vault and its key')
    .option('--name <name>', 'name of the set (default: the folder’s)')
    .option('-y, --yes', 'do not ask')
    .action((options: InitOptions) => act((session) => initialise(options, session)));
}

async function initialise({ name, yes }: InitOptions, session: Session): Promise<Outcome> {
  const { options, surroundings } = session;
  const { openVault, placeSet } = await import('../core/open.ts');
  const { createVault } = await import('../core/create-vault.ts');
  const { LocalStorage } = await import('../core/storage/local.ts');
  const { Vault } = await import('../core/vault/vault.ts');
  const { addSet, rehearseAddSet } = await import('../core/set/write.ts');
  const { findKey } = await import('../core/unlock.ts');

  const workspace = await folder(resolve(surroundings.cwd, options.workspace ?? '.'));
  const { sets, set, fresh } = await setFor(workspace, name ?? options.set, options.vault, surroundings.cwd);
  const opened = { directory: workspace, sets };
  const placed = await placeSet(opened, set, options.vault, surroundings);
  if (fresh === undefined && options.vault !== undefined) {
    const own = await placeSet(opened, set, undefined, surroundings);
    await mustBeVaultOf(own, placed.vaultDirectory);
  }
  const hasVault = (await Vault.identify(new LocalStorage(placed.vaultDirectory))) !== undefined;
  if (session.dialogue !== undefined && yes !== true && (fresh !== undefined || !hasVault)) {
    session.say(planText(placed, fresh !== undefined, hasVault));
    if (!(await confirm(session.dialogue, 'Go ahead?', true))) throw new CancelledError();
  }

  if (!hasVault && fresh === undefined && options.vault === undefined) {
    const { formerVault, tellFormerVault } = await import('../core/former-vault.ts');
    const former = await formerVault([placed], surroundings);
    if (former !== undefined) {
      const { sentence, hint } = tellFormerVault(former);
      session.warn(plainText(`A new vault is made. ${sentence} ${hint}`));
    }
  }

  // The vault comes first: a set file without a vault would promise backups that nobody can take.
  if (fresh !== undefined) await rehearseAddSet(workspace, fresh);
  let keyFile: string | undefined;
  let hasPassphrase = false;
  if (hasVault) {
    const vault = await openVault(placed.vaultDirectory, options.keyFile, surroundings);
    keyFile = (await findKey(vault.id, options.keyFile, surroundings)).file;
  } else {
    ({ keyFile, hasPassphrase } = await createVault(placed.vaultDirectory, options.keyFile, surroundings));
  }
  if (fresh !== undefined) await addSet(workspace, fresh);
  return {
    json: { set: set.name, crm: null, vault: placed.vaultDirectory, keyFile: keyFile ?? null },
    summary: [
      formatFacts([
        ['set', `${printable(set.name)}${fresh === undefined ? ' (as it was)' : ''}`],
        ['vault', `${printable(placed.vaultDirectory)}${hasVault ? ' (as it was)' : ''}`],
        ['key', keyFile === undefined ? 'passphrase' : printable(keyFile)],
        ...(hasPassphrase ? [PASSPHRASE_TOO] : []),
      ]),
      ...(hasVault ? [] : NEXT_STEPS),
    ].join('\n'),
  };
}

/** The set that is meant: one of the workspace's, or a new one for the whole workspace, as it is to be written. */
async function setFor(
  workspace: string,
  name: string | undefined,
  vault: string | undefined,
  cwd: string,
): Promise<{
  /** Those the workspace has already. */
  readonly sets: readonly BackupSet[];
  readonly set: BackupSet;
  readonly fresh: NewSet | undefined;
}> {
  const { chooseSet, loadSets } = await import('../core/set/load.ts');
  const { SetError } = await import('../core/set/error.ts');
  let sets: readonly BackupSet[] = [];
  try {
    sets = await loadSets(workspace);
  } catch (error) {
    if (!(error instanceof SetError && error.code === 'no-set-file')) throw error;
  }
  if (sets.length > 0 && (name === undefined || sets.some((set) => set.name === name))) {
    return { sets, set: chooseSet(sets, name), fresh: undefined };
  }
  const { parseSetFile } = await import('../core/set/parse.ts');
  const { withSet } = await import('../core/set/write.ts');
  const fresh = await newSet(workspace, name, vault, cwd);
  return { sets, set: parseSetFile(withSet(undefined, fresh)).sets[0]!, fresh };
}

async function newSet(
  workspace: string,
  name: string | undefined,
  vault: string | undefined,
  cwd: string,
): Promise<NewSet> {
  const { segmentProblem } = await import('../core/set/segment.ts');
  const { defaultSet } = await import('../core/set/write.ts');
  const { vaultDirectoryOf } = await import('../core/open.ts');
  const problem = name === undefined ? undefined : segmentProblem(name);
  if (problem !== undefined) throw new UsageError(`the name of the set ${problem}.`);
  const fresh = defaultSet(basename(await realpath(workspace)));
  return {
    ...fresh,
    name: name ?? fresh.name,
    // Named now, it is the vault from now on.
    ...(vault === undefined ? {} : { vault: vaultDirectoryOf(vault, cwd) }),
  };
}

/** A set is in its file as it is; what `init` made elsewhere, no other command would find. */
async function mustBeVaultOf({ set, vaultDirectory }: PlacedSet, named: string): Promise<void> {
  const { oneSpelling } = await import('../core/real-folder.ts');
  if (oneSpelling(vaultDirectory) === oneSpelling(named)) return;
  throw new UsageError(
    `the set “${set.name}” keeps its backups in ${vaultDirectory}, not in ${named}.`,
    'Change “vault” in .vscode/crm-backup.json, or make another set with --name.',
  );
}

async function folder(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new UsageError(`the workspace ${path} is not a folder.`);
  return path;
}

function planText({ set, workspace, vaultDirectory }: PlacedSet, isNew: boolean, hasVault: boolean): string {
  const roots = set.roots.map(({ directory }) => printable(directory)).join(', ');
  return [
    ...(isNew
      ? [`Will write ${printable(workspace)}/.vscode/crm-backup.json: set “${set.name}” with ${roots}`]
      : []),
    ...(hasVault ? [] : [`Will make the vault ${printable(vaultDirectory)}`]),
  ].join('\n');
}
