/** The user `nobody`, who owns nothing and may do nothing special. */
const NOBODY = 65534;

/**
 * Runs something with the rights of an ordinary user, also where the tests run as root, for whom no permission is
 * ever denied. Everything this process does until it is done has these rights. Folders on the way to what it
 * works on must let everyone pass.
 */
export function asOrdinaryUser<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(NOBODY);
  const restore = () => process.seteuid?.(0);
  let result: T;
  try {
    result = work();
  } catch (error) {
    restore();
    throw error;
  }
  if (result instanceof Promise) return result.finally(restore) as T;
  restore();
  return result;
}
