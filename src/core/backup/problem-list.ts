import { type MoreProblems, MOST_PROBLEMS_OF_A_KIND, type Problem, type ProblemCode } from '../problem.ts';

/**
 * The problems of a backup, as its record has them: every one counted, the first of each kind listed. A folder with a hundred
 * thousand files that nobody may read must not fill the records of every backup.
 */
export class ProblemList {
  readonly listed: Problem[] = [];
  readonly #counts = new Map<ProblemCode, number>();
  #isIncomplete = false;

  add(problem: Problem): void {
    const count = (this.#counts.get(problem.code) ?? 0) + 1;
    this.#counts.set(problem.code, count);
    this.#isIncomplete ||= problem.incomplete;
    if (count <= MOST_PROBLEMS_OF_A_KIND) this.listed.push(problem);
  }

  /** Whether data is missing or doubtful because of one of them. */
  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  /** How many are not listed, by kind; undefined when all are. */
  get more(): MoreProblems | undefined {
    const more = [...this.#counts].filter(([, count]) => count > MOST_PROBLEMS_OF_A_KIND);
    if (more.length === 0) return undefined;
    return Object.fromEntries(more.map(([code, count]) => [code, count - MOST_PROBLEMS_OF_A_KIND]));
  }
}
