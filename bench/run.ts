/**
 * The benchmarks: one command that starts the services it needs, runs what it is asked for and keeps the results.
 *
 *     npm run bench                            every benchmark
 *     npm run bench -- throughput --rounds 1   that one
 *
 * Numbers are ratios from one run on the machine described in the result; nothing here asserts a time.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { serviceNames } from '../infra/local-stack/services.ts';
import { addressVariables } from '../infra/local-stack/settings.ts';
import { startTestServices } from '../test/support/services-setup.ts';
import type { Benchmark, BenchmarkContext } from './suite/benchmark.ts';
import { writePage } from './suite/page.ts';
import { describe } from './suite/report.ts';
import { keepResult } from './suite/results.ts';
import { suite } from './suite/suite.ts';
import { benchClient } from './support/cluster.ts';
import { pidListeningOn } from './support/machine.ts';

interface Options {
  readonly count?: number;
  readonly drivers?: number;
  readonly partitions?: number;
  readonly threads?: number;
  readonly rounds: number;
  readonly peer: string;
  readonly out: string;
  readonly tiny?: true;
  readonly list?: true;
}

const root = join(import.meta.dirname, '..');

const positive = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('A whole number above 0 is needed.');
  return value;
};

const command = new Command('bench')
  .description('Measures the system, and the engine beside the Kafka Streams peer on the same alerts.')
  .argument('[names...]', 'benchmarks to run (default: all; --list shows them)')
  .option('--count <n>', 'throughput: alerts', positive)
  .option('--drivers <n>', 'throughput: distinct drivers', positive)
  .option('--partitions <n>', 'throughput: partitions of the topics', positive)
  .option('--threads <n>', 'throughput: stream threads of either engine', positive)
  .option('--rounds <n>', 'rounds of each side where two are compared', positive, 3)
  .option(
    '--peer <dir>',
    'the Kafka Streams peer (a Maven project); left out of the run where it is missing',
    '../shared/peers/kafka-streams',
  )
  .option('--out <dir>', 'where the results go', join(root, 'bench/results'))
  .option('--tiny', 'a run of seconds, to see that everything works')
  .option('--list', 'the benchmarks, and nothing is run')
  .parse();
const options = command.opts<Options>();

const { count, drivers, partitions, threads } = options;
const all = suite({
  ...(count !== undefined && { count }),
  ...(drivers !== undefined && { drivers }),
  ...(partitions !== undefined && { partitions }),
  ...(threads !== undefined && { threads }),
});
const unknown = command.args.filter((name) => !all.some((benchmark) => benchmark.name === name));
if (unknown.length > 0) command.error(`error: no benchmark is named ${unknown.join(', ')}; --list shows them`);
const chosen = command.args.length === 0 ? all : all.filter(({ name }) => command.args.includes(name));

if (options.list) for (const { name, shows } of all) console.log(`${name.padEnd(16)} ${shows}`);
else await run(chosen);

async function run(benchmarks: readonly Benchmark[]): Promise<void> {
  const say = (line: string): void => console.error(line);
  const peer = buildPeer(options.peer);
  if (peer === undefined) say(`No peer in ${options.peer}: only ours is measured.`);
  const services = await startTestServices(process.env);
  const { addresses } = services;
  for (const name of serviceNames) process.env[addressVariables[name]] = addresses[name];
  const client = benchClient(addresses.kafka.split(','), 'bench');
  const brokerPid = pidListeningOn(Number(addresses.kafka.split(',')[0]?.split(':').at(-1)));
  const size = options.tiny ? 'tiny' : 'full';
  const context: BenchmarkContext = { addresses, client, size, rounds: options.rounds, peer, brokerPid, say };
  try {
    for (const { name, run, shows } of benchmarks) {
      say(`\n${name}: ${shows}`);
      const result = await run(context);
      keepResult(options.out, name, result);
      writePage(options.out);
      console.log(describe(name, result));
      if (result['equalOutputs'] === false) {
        console.error('The outputs differ: no figure of this run counts.');
        process.exitCode = 1;
      }
    }
  } finally {
    await client.close();
    await services.stop();
    if (peer !== undefined) rmSync(peer, { recursive: true, force: true });
  }
}

/** The peer is built outside of its own folder, which may be read-only. */
function buildPeer(directory: string): string | undefined {
  if (!existsSync(join(directory, 'pom.xml'))) return undefined;
  const built = mkdtempSync(join(tmpdir(), 'bench-peer-'));
  cpSync(directory, built, { recursive: true });
  const goals = ['-q', '-B', 'compile', 'dependency:copy-dependencies', '-DoutputDirectory=target/lib'];
  execFileSync('mvn', goals, { cwd: built, stdio: ['ignore', 'ignore', 'inherit'] });
  return built;
}
