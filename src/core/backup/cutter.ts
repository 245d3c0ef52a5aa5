import type { Chunker } from '../vault/chunker.ts';
import type { ContentKind } from '../vault/writer.ts';

/** Where content of a kind is cut; see {@link Chunker.cut}. */
export function cutterFor(kind: ContentKind, chunker: Chunker): Chunker['cut'] {
  // A picture or an archive that changes at all changes everywhere: looking for places to cut it finds nothing.
  return kind === 'packed'
    ? (_, start, end) => Math.min(end - start, chunker.sizes.max)
    : (bytes, start, end) => chunker.cut(bytes, start, end);
}
