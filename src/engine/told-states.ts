import { hash, randomUUID } from 'node:crypto';
import type { BackupSummary, SetState, ToldSet } from './protocol.ts';

interface Told {
  readonly revision: string;
  /** A fingerprint of each backup by its id. */
  readonly backups: ReadonlyMap<string, string>;
}

/** What the host has been told of each set, so that it is told only what is different the next time. */
export class ToldStates {
  readonly #told = new Map<string, Told>();

  /** A set's state for a host that knows the state of a revision; the whole of it when that is not the last told one. */
  tell(workspace: string, state: SetState, known: string | undefined): ToldSet {
    const key = JSON.stringify([workspace, state.name]);
    const last = this.#told.get(key);
    const backups = new Map(state.backups.map((summary) => [summary.id, fingerprint(summary)]));
    const isSame = last !== undefined && isEqual(last.backups, backups);
    const revision = isSame ? last.revision : randomUUID();
    this.#told.set(key, { revision, backups });
    if (last === undefined || known !== last.revision) return { ...state, revision, removed: undefined };
    return {
      ...state,
      revision,
      backups: state.backups.filter(({ id }) => last.backups.get(id) !== backups.get(id)),
      removed: [...last.backups.keys()].filter((id) => !backups.has(id)),
    };
  }
}

function fingerprint(summary: BackupSummary): string {
  return hash('sha1', JSON.stringify(summary), 'base64');
}

function isEqual(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...b].every(([id, value]) => a.get(id) === value);
}
