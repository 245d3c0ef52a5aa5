import { workRows, type Limit, type Work } from './limits.ts';
import type { Samples } from './rounds.ts';

/** The outcome of a whole run, as written to the JSON file. Times in milliseconds, sizes in bytes. */
export interface Result {
  readonly measuredAt: string;
  readonly machine: Machine;
  readonly rounds: number;
  /** Every tool asked for; `version` is missing for those that are not installed. */
  readonly tools: readonly { readonly name: string; readonly setup: string; readonly version?: string }[];
  readonly trees: readonly TreeResult[];
  readonly memory?: MemoryResult;
  readonly databases?: readonly DatabaseResult[];
  readonly rowDiff?: RowDiffResult;
  readonly vscode?: VscodeResult;
  readonly upkeep?: UpkeepResult;
}

/** What keeping very many backups in order takes. Whole commands, in milliseconds. */
export interface UpkeepResult {
  readonly backups: number;
  readonly listMs: number;
  readonly forgetMs: number;
  readonly statsMs: number;
  /** How fast a sampling verification reads. */
  readonly sampleBytesPerSecond: number;
  /** How many times as long others' work takes while a backup runs in the background. */
  readonly slowdown: number;
}

/** Where it was measured. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  /** File systems of the repositories and of the restored trees. */
  readonly repositoriesOn: string;
  readonly restoredTo: string;
}

/** What was measured on one tree. */
export interface TreeResult {
  readonly name: string;
  readonly files: number;
  readonly bytes: number;
  readonly rows: readonly RowResult[];
}

/** One line of the table. */
export interface RowResult {
  readonly work: Work;
  readonly medians: Readonly<Record<string, number>>;
  readonly samples: Readonly<Record<string, readonly number[]>>;
  readonly limits: readonly LimitResult[];
}

/** How a figure stands to its limit; `ratio` is missing when there was nothing to compare with. */
export interface LimitResult extends Limit {
  readonly ratio?: number;
  readonly reached?: boolean;
}

/** Peak memory of the engine on a tree of very many files, in bytes. */
export interface MemoryResult {
  readonly files: number;
  readonly limitBytes: number;
  readonly peaks: Readonly<Record<'full' | 'incremental' | 'restore', number>>;
  readonly reached: boolean;
}

/** What was measured on one server. Times in milliseconds, sizes in bytes. */
export interface DatabaseResult {
  readonly product: string;
  /** What is in the column of the server’s own tools, by work. */
  readonly tools: { readonly dump: string; readonly load: string };
  readonly rows: number;
  readonly bytes: number;
  readonly figures: readonly DatabaseFigure[];
  /** Peak memory of the engine at anything that was measured. */
  readonly peakBytes?: number;
}

/** What telling the rows took that differ between two versions of a table. */
export interface RowDiffResult {
  readonly product: string;
  readonly rows: number;
  readonly bytes: number;
  readonly figures: readonly DatabaseFigure[];
}

/** What the extension took in the editor, medians in milliseconds. */
export interface VscodeResult {
  readonly backups: number;
  readonly changedFiles: number;
  readonly activationMs: number;
  readonly treeMs: number;
  readonly diffMs: number;
  readonly samples: Readonly<Record<'activation' | 'tree' | 'diff', readonly number[]>>;
}

/** One line of the table. */
export interface DatabaseFigure {
  readonly work: string;
  readonly own: number;
  readonly other: number;
  readonly samples: Readonly<Record<string, readonly number[]>>;
  readonly ratio: number;
  readonly limit?: number;
  readonly reached?: boolean;
}

/** Turns samples into medians and holds them against the limits. `own` is the name of this tool. */
export function evaluate(samples: Samples, own: string): RowResult[] {
  return workRows.flatMap(({ work, limits }) => {
    const ofWork = samples.get(work);
    if (ofWork === undefined) return [];
    const medians = Object.fromEntries([...ofWork].map(([tool, values]) => [tool, median(values)]));
    return {
      work,
      medians,
      samples: Object.fromEntries(ofWork),
      limits: limits.map((limit) => evaluateLimit(limit, medians, own)),
    };
  });
}

function evaluateLimit(limit: Limit, medians: Readonly<Record<string, number>>, own: string): LimitResult {
  const figure = medians[own];
  const others = limit.against.flatMap((tool) => medians[tool] ?? []);
  if (figure === undefined || others.length === 0) return limit;
  const ratio = figure / Math.min(...others);
  return { ...limit, ratio, reached: ratio <= limit.atMost };
}

/** The middle value; of an even number, the mean of the two in the middle. `values` must not be empty. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined)
    throw new RangeError('The median of nothing is not defined.');
  return (lower + upper) / 2;
}
