import { backUpWithHooks } from '../../core/hooks.ts';
import { placeSet } from '../../core/open.ts';
import { parseSetFile } from '../../core/set/parse.ts';
import { addSet, defaultSet, rehearseAddSet, withSet } from '../../core/set/write.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';
import { summaryOf } from './state.ts';

/** Adds a set for the whole workspace. The vault comes first: a set without one would promise what nobody can keep. */
export function createSet(vaults: Vaults): Handler<'createSet'> {
  return async ({ workspace, set: name }) => {
    const fresh = { ...defaultSet(name), name };
    const [set] = parseSetFile(withSet(undefined, fresh)).sets;
    if (set === undefined) throw new TypeError('A set that was written could not be read.');
    const { vaultDirectory } = await placeSet(
      { directory: workspace, sets: [] },
      set,
      undefined,
      vaults.surroundings,
    );
    await rehearseAddSet(workspace, fresh);
    await vaults.provide(vaultDirectory);
    return { setFile: await addSet(workspace, fresh), vault: vaultDirectory };
  };
}

/** Takes one backup; the first one on this machine makes the vault. */
export function backup(vaults: Vaults): Handler<'backup'> {
  return async ({ workspace, set: name, kind, label }, task) => {
    const placed = await vaults.place({ workspace, set: name });
    const vault = await vaults.provide(placed.vaultDirectory);
    const { record, notices, failure } = await backUpWithHooks(
      vault,
      placed.set,
      { kind, label },
      vaults.surroundings,
      task,
    );
    return { ...summaryOf(record), notices: failure === undefined ? notices : [...notices, failure.message] };
  };
}
