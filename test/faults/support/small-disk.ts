/**
 * A disk of a fixed size, to fill it up: a file system in memory, mounted on a folder of its own. That takes root; without it there is
 * a plain folder, which cannot be filled.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const CHUNK = Buffer.alloc(64 * 1024, 1);
const COMMAND_TIMEOUT_MS = 10_000;

export class SmallDisk {
  readonly folder: string;
  /** Why there is no disk; undefined when there is one. */
  readonly whyNot: string | undefined;

  private constructor(folder: string, whyNot: string | undefined) {
    this.folder = folder;
    this.whyNot = whyNot;
  }

  static mount(bytes: number): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), 'alerts-disk-'));
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], {
        stdio: 'pipe',
        timeout: COMMAND_TIMEOUT_MS,
      });
      return new SmallDisk(folder, undefined);
    } catch (error) {
      return new SmallDisk(folder, error instanceof Error ? error.message.trim() : String(error));
    }
  }

  get isMounted(): boolean {
    return this.whyNot === undefined;
  }

  /** Writes to the file until not a byte is free. */
  fill(file: string): void {
    if (!this.isMounted) throw new Error(`Only a mounted disk is filled: ${this.whyNot}`);
    const descriptor = openSync(file, 'a');
    try {
      while (statfsSync(this.folder).bavail > 0) writeSync(descriptor, CHUNK);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      closeSync(descriptor);
    }
  }

  unmount(): void {
    if (this.isMounted) execFileSync('umount', ['-l', this.folder], { stdio: 'pipe', timeout: COMMAND_TIMEOUT_MS });
    rmSync(this.folder, { recursive: true, force: true });
  }
}
