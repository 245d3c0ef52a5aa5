/** The user `nobody`, who owns nothing and may do nothing special. */
const NOBODY = 65534;

/**
 * Runs something synchronous with the rights of an ordinary user, also where the tests run as root, for whom no
 * permission is ever denied. Folders on the way must let everyone pass.
 */
export function asOrdinaryUser<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(NOBODY);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}
