import type { Compiled } from './compile.js';
import type { LoadOrder, LoadResult, PlannedRequest, ServerUsage } from './messages.js';
import { PinnedProcess } from './pinned-process.js';

/** A variant as the rounds see it. */
export interface Contender {
  readonly name: string;
  /** Compiled file of the bench that holds it, without extension. */
  readonly module: string;
  readonly requests: readonly PlannedRequest[];
  readonly connections?: number;
  /** Statuses that count as an answer. Anything else makes the run fail. @default [200] */
  readonly statuses?: readonly number[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One variant in one round. */
export interface Sample {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly generatorLoad: number;
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly durationMs: number;
  readonly warmUpMs: number;
  readonly node?: string;
  readonly nodeArguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly onSample?: (name: string, round: number, sample: Sample) => void;
}

export type Samples = ReadonlyMap<string, readonly Sample[]>;

export const SERVER_CORE = 0;
export const LOAD_CORE = 1;

/** A running variant and what can be done with it. */
export class Running {
  readonly contender: Contender;
  readonly process: PinnedProcess;
  port = 0;

  constructor(contender: Contender, compiled: Compiled, options: RoundsOptions) {
    this.contender = contender;
    this.process = new PinnedProcess(compiled.bench('harness/serve'), {
      core: SERVER_CORE,
      ...(options.node ? { node: options.node } : {}),
      ...(options.nodeArguments ? { nodeArguments: options.nodeArguments } : {}),
      arguments: [compiled.bench(contender.module), contender.name],
      env: { WARMPATH_ENTRY: compiled.library, ...options.env, ...contender.env },
    });
  }

  async ready(): Promise<void> {
    this.port = (await this.process.receive<{ port: number }>()).port;
  }

  async measure(load: PinnedProcess, durationMs: number): Promise<Sample> {
    const { contender } = this;
    const order: LoadOrder = {
      port: this.port,
      connections: contender.connections ?? 50,
      durationMs,
      requests: contender.requests,
    };
    const before = await this.process.ask<ServerUsage>({ ask: 'usage' });
    const result = await load.ask<LoadResult>(order);
    const after = await this.process.ask<ServerUsage>({ ask: 'usage' });
    checkAnswers(contender, result);
    return {
      perSecond: (result.completed * 1000) / result.elapsedMs,
      cpuMicros: (after.cpuMicros - before.cpuMicros) / result.completed,
      p50Ms: result.p50Ms,
      p99Ms: result.p99Ms,
      generatorLoad: result.generatorLoad,
    };
  }
}

function checkAnswers({ name, statuses = [200] }: Contender, result: LoadResult): void {
  const odd = Object.keys(result.statuses).filter((status) => !statuses.includes(Number(status)));
  if (result.completed === 0 || result.failed > 0 || odd.length > 0) {
    throw new Error(
      `${name}: ${result.completed} answers, ${result.failed} failures, ${JSON.stringify(result.statuses)}`,
    );
  }
}

/** Every variant in its own process, measured in turn, round after round: what disturbs the machine disturbs them alike. */
export async function interleavedRounds(
  contenders: readonly Contender[],
  compiled: Compiled,
  options: RoundsOptions,
): Promise<Samples> {
  const load = new PinnedProcess(compiled.bench('harness/load'), { core: LOAD_CORE });
  const running: Running[] = [];
  const samples = new Map<string, Sample[]>();
  try {
    for (const contender of contenders) {
      const one = new Running(contender, compiled, options);
      running.push(one);
      await one.ready();
      await one.measure(load, options.warmUpMs);
      samples.set(contender.name, []);
    }
    for (let round = 0; round < options.rounds; round++) {
      for (const one of running) {
        const sample = await one.measure(load, options.durationMs);
        samples.get(one.contender.name)!.push(sample);
        options.onSample?.(one.contender.name, round, sample);
      }
    }
  } finally {
    await Promise.all([load.stop(), ...running.map((one) => one.process.stop())]);
  }
  return samples;
}
