import type { NewThings, OldThings } from './journal.ts';
import { objectPath, type StoredObject, writeObject } from './stored-object.ts';

/** What of a switch’s objects goes, and what comes. */
export interface Exchange {
  readonly old: readonly StoredObject[];
  readonly added: readonly StoredObject[];
}

const ROUTINES = new Set<StoredObject['kind']>(['function', 'procedure', 'package', 'package body']);

/** Whether it is something that accounts are granted to run. */
export function isRoutine({ kind }: Pick<StoredObject, 'kind'>): boolean {
  return ROUTINES.has(kind);
}

/**
 * The objects a switch has to remove and to make. Routines that are the same before and after stay where they are: the
 * server forgets who may run a routine when it is dropped.
 */
export function exchanged(
  old: Pick<OldThings, 'objects'>,
  added: Pick<NewThings, 'objects'> | undefined,
): Exchange {
  const texts = new Map((added?.objects ?? []).map((object) => [objectPath(object), writeObject(object)]));
  const isSame = (object: StoredObject) =>
    isRoutine(object) && texts.get(objectPath(object)) === writeObject(object);
  const same = new Set(old.objects.filter(isSame).map(objectPath));
  const stays = (object: StoredObject) =>
    same.has(objectPath(object)) &&
    // A package takes its body with it.
    (object.kind !== 'package body' || same.has(objectPath({ kind: 'package', name: object.name })));
  return {
    old: old.objects.filter((object) => !stays(object)),
    added: (added?.objects ?? []).filter((object) => !stays(object)),
  };
}
