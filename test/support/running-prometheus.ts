/**
 * A Prometheus of one test's own: scrapes what it is told every second, with the rules of the repository.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../infra/local-stack/ports.ts';
import { projectRoot } from '../../infra/local-stack/settings.ts';
import { prometheusTools } from './prometheus-tools.ts';

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

const READY_TIMEOUT_MS = 60_000;

export class RunningPrometheus {
  readonly url: string;
  readonly #process: ChildProcess;
  readonly #directory: string;
  #output = '';

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.url = url;
    this.#process = child;
    this.#directory = directory;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (text: Buffer) => (this.#output = (this.#output + text.toString()).slice(-8_000)));
    }
  }

  /** `jobs`: the address of each by its name. */
  static async start(jobs: Readonly<Record<string, string>>): Promise<RunningPrometheus> {
    const directory = await mkdtemp(join(tmpdir(), 'prometheus-'));
    const config = {
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [join(projectRoot, 'infra/prometheus/*.rules.yml')],
      scrape_configs: Object.entries(jobs).map(([job_name, target]) => ({
        job_name,
        static_configs: [{ targets: [target] }],
      })),
    };
    const file = join(directory, 'prometheus.yml');
    // JSON is YAML.
    await writeFile(file, JSON.stringify(config));
    const address = `127.0.0.1:${await freePort()}`;
    const { command, args } = (await prometheusTools()).prometheus;
    const options = [
      `--config.file=${file}`,
      `--storage.tsdb.path=${directory}/data`,
      `--web.listen-address=${address}`,
    ];
    const child = spawn(command, [...args, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
    const running = new RunningPrometheus(`http://${address}`, child, directory);
    await running.#ready();
    return running;
  }

  /** The series that a query has at this moment. Rejects when it cannot be parsed. */
  async query(query: string): Promise<readonly Series[]> {
    const answer = await fetch(`${this.url}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query }) });
    const body = (await answer.json()) as { status: string; error?: string; data?: { result: Series[] } };
    if (body.status !== 'success') throw new Error(`${query}: ${body.error}`);
    return body.data?.result ?? [];
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGTERM');
      await once(this.#process, 'exit');
    }
    await rm(this.#directory, { recursive: true, force: true });
  }

  async #ready(): Promise<void> {
    for (const deadline = Date.now() + READY_TIMEOUT_MS; ; await sleep(100)) {
      const answer = await fetch(`${this.url}/-/ready`).catch(() => undefined);
      if (answer?.ok === true) return;
      if (this.#process.exitCode !== null || Date.now() > deadline) {
        await this.stop();
        throw new Error(`Prometheus does not start:\n${this.#output}`);
      }
    }
  }
}
