import { examine } from '../../core/doctor.ts';
import type { Handler } from '../serve.ts';
import type { Vaults } from '../vaults.ts';

/** Looks at everything that backups of a workspace depend on. */
export function doctor({ surroundings }: Vaults): Handler<'doctor'> {
  return async ({ workspace }, task) => examine({ workspace }, surroundings, task);
}
