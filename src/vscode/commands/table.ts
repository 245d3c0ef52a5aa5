/**
 * The commands there are: the one table the manifest, the menus and the registered handlers are checked against.
 * A title stands in package.nls.json under `command.<name>`.
 */

/** Where a command stands in a menu, as `group@order`; `inline` shows it as an icon on the line. */
export interface Menus {
  /** The view's own title: `navigation` shows it as an icon. */
  readonly viewTitle?: string;
  readonly set?: readonly string[];
  readonly backup?: readonly string[];
  /** Backups that are pinned, or are not. */
  readonly pinnedBackup?: readonly string[];
  readonly unpinnedBackup?: readonly string[];
  readonly changes?: readonly string[];
  /** What changed since the newest backup: all of it, and one file the backup has. */
  readonly working?: readonly string[];
  readonly workingChange?: readonly string[];
  /** The files of a backup, entries below, and changed entries. */
  readonly entry?: readonly string[];
  /** One file of a backup, or a changed one. */
  readonly file?: readonly string[];
  /** A vault in the view of destinations. */
  readonly vault?: readonly string[];
  /** The scheduler there: what is due is done by VS Code alone, or by the system as well. */
  readonly editorScheduler?: readonly string[];
  readonly systemScheduler?: readonly string[];
  /** A file in the Explorer. */
  readonly explorer?: readonly string[];
  /** A file in an editor: in its text and on its tab. */
  readonly editor?: readonly string[];
}

export interface CommandEntry {
  /** A codicon's name; needed where the command is shown as an icon. */
  readonly icon?: string;
  /** Changes something or reads what the workspace names: not in Restricted Mode. */
  readonly needsTrust: boolean;
  /** A further condition for being offered at all. */
  readonly when?: string;
  readonly menus?: Menus;
}

const HAS_BACKUPS = 'crmBackup.hasBackups';
const HAS_SET_FILE = 'crmBackup.state =~ /^(empty|ready|failed)$/';

export const commandTable = {
  'crmBackup.createSet': { icon: 'add', needsTrust: true, menus: { viewTitle: '1_set@1' } },
  'crmBackup.backUpNow': {
    icon: 'archive',
    needsTrust: true,
    menus: { viewTitle: 'navigation@1', set: ['inline@1', '1_backup@1'] },
  },
  'crmBackup.backUpFull': { needsTrust: true, menus: { set: ['1_backup@2'] } },
  'crmBackup.backUpIncremental': { needsTrust: true, menus: { set: ['1_backup@3'] } },
  'crmBackup.backUpDifferential': { needsTrust: true, menus: { set: ['1_backup@4'] } },
  // In Restricted Mode it restores into a folder only, which the command itself sees to.
  'crmBackup.restore': {
    icon: 'discard',
    needsTrust: false,
    when: HAS_BACKUPS,
    menus: { set: ['2_restore@1'], backup: ['inline@2', '2_restore@1'], entry: ['2_restore@1'] },
  },
  'crmBackup.undoRestore': {
    needsTrust: true,
    when: 'crmBackup.canUndoRestore',
    menus: { viewTitle: '2_restore@1' },
  },
  'crmBackup.showChanges': {
    icon: 'diff-multiple',
    needsTrust: false,
    when: HAS_BACKUPS,
    menus: { backup: ['inline@1', '1_show@1'], changes: ['1_show@1'] },
  },
  'crmBackup.compare': { needsTrust: false, when: HAS_BACKUPS, menus: { backup: ['1_show@2'] } },
  'crmBackup.compareWithWorkspace': {
    icon: 'diff-multiple',
    needsTrust: true,
    when: HAS_BACKUPS,
    menus: { backup: ['1_show@3'], working: ['inline@1', '1_show@1'] },
  },
  'crmBackup.compareWithPrevious': { needsTrust: false, when: HAS_BACKUPS, menus: { backup: ['1_show@4'] } },
  'crmBackup.openAsFolder': { needsTrust: false, when: HAS_BACKUPS, menus: { backup: ['1_show@5'] } },
  'crmBackup.restoreFile': {
    icon: 'discard',
    needsTrust: true,
    when: HAS_BACKUPS,
    menus: { workingChange: ['inline@1', '2_restore@1'], explorer: ['4_timeline@10'] },
  },
  'crmBackup.fileHistory': {
    needsTrust: false,
    when: HAS_BACKUPS,
    menus: { file: ['1_show@2'], explorer: ['4_timeline@9'], editor: ['4_timeline@9'] },
  },
  'crmBackup.findInBackups': {
    icon: 'search',
    needsTrust: false,
    when: HAS_BACKUPS,
    menus: { viewTitle: 'navigation@3', set: ['1_show@1'] },
  },
  'crmBackup.openDashboard': {
    icon: 'graph',
    needsTrust: false,
    menus: { viewTitle: 'navigation@4', set: ['1_show@2'] },
  },
  'crmBackup.pin': { needsTrust: true, when: HAS_BACKUPS, menus: { unpinnedBackup: ['3_keep@1'] } },
  'crmBackup.unpin': { needsTrust: true, when: HAS_BACKUPS, menus: { pinnedBackup: ['3_keep@1'] } },
  'crmBackup.rename': { needsTrust: true, when: HAS_BACKUPS, menus: { backup: ['3_keep@2'] } },
  'crmBackup.verify': {
    needsTrust: true,
    menus: { set: ['3_vault@1'], backup: ['4_verify@1'], vault: ['1_care@1'] },
  },
  'crmBackup.drill': {
    needsTrust: true,
    when: HAS_BACKUPS,
    menus: { set: ['3_vault@3'], backup: ['4_verify@2'] },
  },
  'crmBackup.forget': { needsTrust: true, when: HAS_BACKUPS, menus: { backup: ['5_forget@1'] } },
  'crmBackup.prune': { needsTrust: true, menus: { set: ['3_vault@2'], vault: ['1_care@2'] } },
  'crmBackup.showRecoveryKey': { needsTrust: true, menus: { vault: ['2_key@1'] } },
  'crmBackup.revealVault': {
    icon: 'folder-opened',
    needsTrust: false,
    menus: { vault: ['inline@1', '3_open@1'] },
  },
  'crmBackup.handOverSchedules': {
    icon: 'play-circle',
    needsTrust: true,
    menus: { editorScheduler: ['inline@1', '1_schedule@1'] },
  },
  'crmBackup.takeBackSchedules': {
    icon: 'stop-circle',
    needsTrust: true,
    menus: { systemScheduler: ['inline@1', '1_schedule@1'] },
  },
  'crmBackup.editSet': { needsTrust: false, when: HAS_SET_FILE, menus: { set: ['4_set@1'] } },
  'crmBackup.editSchedule': { needsTrust: false, when: HAS_SET_FILE, menus: { set: ['4_set@2'] } },
  'crmBackup.manageSecrets': { needsTrust: true, menus: { set: ['4_set@9'] } },
  'crmBackup.doctor': { needsTrust: true, menus: { viewTitle: '3_help@1', vault: ['1_care@3'] } },
  'crmBackup.showLog': { needsTrust: false, menus: { viewTitle: '3_help@2' } },
  'crmBackup.refresh': { icon: 'refresh', needsTrust: false, menus: { viewTitle: 'navigation@2' } },
} as const satisfies Readonly<Record<string, CommandEntry>>;

export type CommandId = keyof typeof commandTable;
