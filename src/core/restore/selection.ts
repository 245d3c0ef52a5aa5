/** A path of a backup that is to be restored. */
export interface SelectedPath {
  readonly path: string;
  /** Whether everything below it is meant too. */
  readonly recursive: boolean;
}

/** What a path has to do with what was selected. `way` is a folder that only leads to something selected. */
export type Coverage = 'whole' | 'itself' | 'way' | 'none';

/** Which paths of a backup are restored. */
export class Selection {
  readonly #selected = new Map<string, boolean>();
  readonly #ways = new Set<string>();

  /** @param paths what is selected; undefined selects everything */
  constructor(paths: readonly SelectedPath[] | undefined) {
    for (const { path, recursive } of paths ?? [{ path: '', recursive: true }]) {
      this.#selected.set(path, recursive || (this.#selected.get(path) ?? false));
      for (let way = parentPath(path); way !== undefined; way = parentPath(way)) {
        if (this.#ways.has(way)) break;
        this.#ways.add(way);
      }
    }
  }

  /** Whether a path was selected itself. */
  names(path: string): boolean {
    return this.#selected.has(path);
  }

  /** How a path is covered, when no folder around it is covered as a whole. */
  of(path: string): Coverage {
    const selected = this.#selected.get(path);
    if (selected !== undefined) return selected ? 'whole' : 'itself';
    return this.#ways.has(path) ? 'way' : 'none';
  }

  /** How a path is covered, looking at the folders around it too. */
  resolve(path: string): Coverage {
    for (let around = parentPath(path); around !== undefined; around = parentPath(around)) {
      if (this.#selected.get(around) === true) return 'whole';
    }
    return this.of(path);
  }

  /** The selected paths below a folder, or that folder itself. */
  *within(folder: string): Generator<string> {
    for (const path of this.#selected.keys()) {
      if (path === folder || path.startsWith(`${folder}/`)) yield path;
    }
  }
}

/** The folder around a path; `''` is around everything, and nothing around that. */
export function parentPath(path: string): string | undefined {
  if (path === '') return undefined;
  const slash = path.lastIndexOf('/');
  return slash < 0 ? '' : path.slice(0, slash);
}
