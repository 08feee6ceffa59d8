/**
 * What Maven prints while it downloads, as counts. Invariant: the counts only grow, whatever way the output is cut into
 * pieces.
 */

export interface MavenProgress {
  /** Files that arrived. */
  readonly files: number;
  /** Bytes of the files that arrived, as Maven rounds them. */
  readonly bytes: number;
  /** Name of the file Maven began last. */
  readonly current: string;
  /** How far the files under way are, in Maven's words, for example `12/139 MB`. */
  readonly underWay: string;
}

const units: Readonly<Record<string, number>> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };
const longestLine = 4_096;

export class MavenOutput {
  #pending = '';
  #files = 0;
  #bytes = 0;
  #current = '';
  #underWay = '';

  feed(text: string): void {
    const pieces = (this.#pending + text).split(/[\r\n]+/);
    this.#pending = (pieces.pop() ?? '').slice(-longestLine);
    for (const piece of pieces) this.#read(piece.trim());
  }

  get progress(): MavenProgress {
    return { files: this.#files, bytes: this.#bytes, current: this.#current, underWay: this.#underWay };
  }

  #read(line: string): void {
    const begun = /^Downloading from \S+: (\S+)$/.exec(line);
    if (begun?.[1] !== undefined) this.#current = begun[1].slice(begun[1].lastIndexOf('/') + 1);

    const arrived = /^Downloaded from \S+: \S+ \(([\d.]+) ([kMG]?B)/.exec(line);
    if (arrived?.[1] !== undefined) {
      this.#files += 1;
      this.#bytes += Number(arrived[1]) * (units[arrived[2] ?? 'B'] ?? 1);
      this.#underWay = '';
    }

    const moving = /^Progress \(\d+\): (.+)$/.exec(line);
    if (moving?.[1] !== undefined) this.#underWay = moving[1];
  }
}

/** One line for the person who waits. */
export function describeDownload(title: string, { files, bytes, current, underWay }: MavenProgress): string {
  if (files === 0 && underWay === '') return `Downloading ${title}: asking what is there already`;
  const total = `${files} files, ${(bytes / 1e6).toFixed(1)} MB`;
  const now = underWay === '' ? '' : `; ${current} ${underWay}`;
  return `Downloading ${title}: ${total}${now}`;
}
