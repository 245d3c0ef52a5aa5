/** A path with its drive in upper case: VS Code spells drives in lower case, terminals mostly in upper case. */
export function upperCaseDrive(path: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? path.replace(/^[a-z]:/, (drive) => drive.toUpperCase()) : path;
}
