import { comparePaths, isWithin } from '../vault/order.ts';

/**
 * The paths without those inside others, in order; `undefined`, which is everything, for none.
 */
export function outermost(paths: readonly string[]): (string | undefined)[] {
  if (paths.length === 0) return [undefined];
  const sorted = [...new Set(paths)].sort(comparePaths);
  return sorted.filter((path, at) => !sorted.slice(0, at).some((other) => isWithin(path, other)));
}

/**
 * Walks two sorted sequences of entries together: pairs of the same path, with undefined where one has none.
 */
export async function* merge<Left extends { readonly path: string }, Right extends { readonly path: string }>(
  lefts: AsyncIterable<Left>,
  rights: AsyncIterable<Right>,
): AsyncGenerator<readonly [Left | undefined, Right | undefined]> {
  const leftIterator = lefts[Symbol.asyncIterator]();
  const rightIterator = rights[Symbol.asyncIterator]();
  try {
    let left = await nextOf(leftIterator);
    let right = await nextOf(rightIterator);
    while (left !== undefined || right !== undefined) {
      const order = left === undefined ? 1 : right === undefined ? -1 : comparePaths(left.path, right.path);
      yield [order <= 0 ? left : undefined, order >= 0 ? right : undefined];
      if (order <= 0) left = await nextOf(leftIterator);
      if (order >= 0) right = await nextOf(rightIterator);
    }
  } finally {
    await leftIterator.return?.();
    await rightIterator.return?.();
  }
}

async function nextOf<T>(iterator: AsyncIterator<T, unknown>): Promise<T | undefined> {
  const next = await iterator.next();
  return next.done === true ? undefined : next.value;
}
