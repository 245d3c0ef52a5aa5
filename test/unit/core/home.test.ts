import { describe, expect, it } from 'vitest';
import { defaultVaultDirectory, homeDirectory, keyFilePath } from '../../../src/core/home.ts';

describe('the folder the tool keeps for its user', () => {
  it('is the platform’s place for data', () => {
    expect(homeDirectory({}, 'linux', '/home/ada')).toBe('/home/ada/.local/share/crm-backup');
    expect(homeDirectory({ XDG_DATA_HOME: '/data' }, 'linux', '/home/ada')).toBe('/data/crm-backup');
    expect(homeDirectory({ XDG_DATA_HOME: 'data' }, 'linux', '/home/ada')).toBe(
      '/home/ada/.local/share/crm-backup',
    );
    expect(homeDirectory({ XDG_DATA_HOME: '/data' }, 'darwin', '/Users/ada')).toBe(
      '/Users/ada/Library/Application Support/crm-backup',
    );
    expect(homeDirectory({ LOCALAPPDATA: 'D:\\Local' }, 'win32', 'C:\\Users\\ada')).toBe(
      'D:\\Local\\crm-backup',
    );
    expect(homeDirectory({}, 'win32', 'C:\\Users\\ada')).toBe('C:\\Users\\ada\\AppData\\Local\\crm-backup');
  });

  it('is moved by CRM_BACKUP_HOME, seen from the current folder', () => {
    expect(homeDirectory({ CRM_BACKUP_HOME: '/scratch/' }, 'linux', '/home/ada')).toBe('/scratch');
    expect(homeDirectory({ CRM_BACKUP_HOME: 'scratch' }, 'darwin', '/Users/ada', '/crm')).toBe(
      '/crm/scratch',
    );
    expect(homeDirectory({ CRM_BACKUP_HOME: '..\\s' }, 'win32', 'C:\\Users\\ada', 'E:\\a\\b')).toBe(
      'E:\\a\\s',
    );
    expect(homeDirectory({ CRM_BACKUP_HOME: '' }, 'linux', '/home/ada')).toBe(
      '/home/ada/.local/share/crm-backup',
    );
  });
});

describe('the vault of a workspace', () => {
  const vaultOf = (workspace: string, platform: NodeJS.Platform = 'linux') =>
    defaultVaultDirectory(platform === 'win32' ? 'C:\\home' : '/home', workspace, platform);

  it('is named so that people know it and no two workspaces share it', () => {
    expect(vaultOf('/srv/My CRM (test)')).toMatch(/^\/home\/vaults\/my-crm-test-[0-9a-f]{8}$/);
    expect(vaultOf('/srv/crm')).not.toBe(vaultOf('/www/crm'));
    expect(vaultOf('/srv/crm')).toBe('/home/vaults/crm-f8dc5829');
    expect(vaultOf('/srv/客户管理')).toMatch(/\/客户管理-[0-9a-f]{8}$/);
    expect(vaultOf('/')).toMatch(/\/workspace-[0-9a-f]{8}$/);
    expect(vaultOf(`/srv/${'😀x'.repeat(100)}`).length).toBeLessThan(80);
  });

  it('is one for both spellings of a drive', () => {
    expect(vaultOf('c:\\www\\CRM', 'win32')).toBe(vaultOf('C:\\www\\CRM', 'win32'));
    expect(vaultOf('C:\\www\\CRM', 'win32')).toMatch(/^C:\\home\\vaults\\crm-[0-9a-f]{8}$/);
  });

  it('has its key file outside of it', () => {
    expect(keyFilePath('/home', 'abc', 'linux')).toBe('/home/keys/abc.key');
    expect(keyFilePath('C:\\home', 'abc', 'win32')).toBe('C:\\home\\keys\\abc.key');
  });
});
