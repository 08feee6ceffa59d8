/**
 * Backup files: SQL, compressed.
 *
 * Invariant: a file under its final name is a whole dump; one that was cut short has another name, and is refused by what it ends
 * with even if somebody renames it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { failure, usageError } from '../exit-codes.ts';

/** The last line that the dump programs write. */
const LAST_LINE = /^-- Dump completed/m;
const TAIL_BYTES = 256;
const KEPT_ERRORS = 4_000;

interface RunOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly signal: AbortSignal;
  /** Uncompressed bytes so far. */
  readonly onProgress: (bytes: number) => void;
}

/** Writes what the program prints. Resolves with the uncompressed size. */
export async function dumpTo(file: string, { command, args, signal, onProgress }: RunOptions): Promise<number> {
  const part = `${file}.part`;
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], signal });
  const ended = endOf(child);
  const watch = new Watch(onProgress);
  try {
    // What is in it is nobody else's business.
    const output = createWriteStream(part, { mode: 0o600 });
    await Promise.all([pipeline(child.stdout, watch, createGzip(), output, { signal }), ended]);
    if (!watch.complete) throw failure('The dump ended without its last line; nothing was kept.');
    await rename(part, file);
    return watch.bytes;
  } catch (error) {
    child.kill();
    await rm(part, { force: true });
    throw error;
  }
}

/** Rejects with a usage error unless the file is a whole dump. */
export async function checkDump(file: string, onProgress: (bytes: number) => void): Promise<void> {
  const watch = new Watch(onProgress);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  try {
    await pipeline(createReadStream(file), createGunzip(), watch, nowhere);
  } catch (error) {
    throw usageError(`${file} cannot be used as a backup: ${(error as Error).message}`);
  }
  if (!watch.complete) throw usageError(`${file} is not a whole backup: its last line is missing.`);
}

/** Gives the file's SQL to the program. */
export async function loadFrom(file: string, { command, args, signal, onProgress }: RunOptions): Promise<void> {
  const child = spawn(command, args, { stdio: ['pipe', 'ignore', 'pipe'], signal });
  const ended = endOf(child);
  const watch = new Watch(onProgress);
  // A program that fails stops reading; its own words say more than the broken pipe.
  const feeding = pipeline(createReadStream(file), createGunzip(), watch, child.stdin, { signal });
  const [fed, end] = await Promise.allSettled([feeding, ended]);
  if (end.status === 'rejected') throw end.reason;
  if (fed.status === 'rejected') throw fed.reason;
}

/** Rejects when the program does not end well, with what it said. */
async function endOf(child: ReturnType<typeof spawn>): Promise<void> {
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-KEPT_ERRORS);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw failure(`${child.spawnfile} ended with ${code ?? 'a signal'}: ${said.trim() || 'it said nothing'}`);
}

/** Lets bytes through, counts them and looks at the last of them. */
class Watch extends Transform {
  bytes = 0;
  readonly #onProgress: (bytes: number) => void;
  #tail = Buffer.alloc(0);

  constructor(onProgress: (bytes: number) => void) {
    super();
    this.#onProgress = onProgress;
  }

  get complete(): boolean {
    return LAST_LINE.test(this.#tail.toString('latin1'));
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.bytes += chunk.length;
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
    this.#onProgress(this.bytes);
    done(null, chunk);
  }
}
