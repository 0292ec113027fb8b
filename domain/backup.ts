/** The daily backup of database and gateway state, on queue `finalise`. Repeatable; heartbeats. */
export interface BackupActivities {
  /** `unproven`: why it could not be restored on trial; null when it was, and every count and checksum was right. */
  makeBackup(): Promise<{ folder: string; rows: number; files: number; unproven: string | null; removed: number }>;
}
