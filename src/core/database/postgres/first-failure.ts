/** Waits for all; when one fails the others are ended, and its failure is the one that is told. */
export async function firstFailure(works: readonly Promise<void>[], abort: () => void): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  await Promise.all(
    works.map(async (work) =>
      work.catch((error: unknown) => {
        if (failure === undefined) {
          failure = { error };
          abort();
        }
      }),
    ),
  );
  const failed = failure as { readonly error: unknown } | undefined;
  if (failed !== undefined) throw failed.error;
}
