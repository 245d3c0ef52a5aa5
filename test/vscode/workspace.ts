import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Makes the small CRM-like workspace the editor opens in these tests; returns its folder. */
export async function makeWorkspace(parent: string): Promise<string> {
  const workspace = path.join(parent, 'workspace');
  const files = {
    'custom/Espo/Custom/Resources/metadata/entityDefs/Account.json':
      '{"fields":{"vatNumber":{"type":"varchar"}}}\n',
    'data/config.php': "<?php\nreturn ['siteUrl' => 'http://127.0.0.1', 'version' => '9.0.0'];\n",
    'data/upload/65f0c1': 'An attachment.\n',
  };
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(workspace, name)), { recursive: true });
    await writeFile(path.join(workspace, name), text);
  }
  return workspace;
}
