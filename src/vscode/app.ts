import type { EventEmitter, Uri } from 'vscode';
import type { InSet } from '../engine/protocol.ts';
import type { Engine } from './engine.ts';
import type { Log } from './log.ts';
import type { Secrets } from './secrets.ts';
import type { TextDocuments } from './text-documents.ts';
import type { Sets } from './sets.ts';
import type { Works } from './works.ts';
import type { WorkingChanges } from './working/working-changes.ts';

/** What commands work with. */
export interface App {
  readonly engine: Engine;
  readonly sets: Sets;
  readonly works: Works;
  readonly working: WorkingChanges;
  readonly log: Log;
  readonly documents: TextDocuments;
  /** Rows of a set’s live databases were changed by us. */
  readonly rowsChanged: EventEmitter<InSet>;
  readonly secrets: Secrets;
  /** The extension's own folder. */
  readonly extension: Uri;
}
