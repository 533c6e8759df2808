import type { Compiled } from './compile.js';
import type { LoadOrder, LoadResult, PlannedRequest, ServerUsage } from './messages.js';
import { PinnedProcess } from './pinned-process.js';
import { exactCpuMicrosOf } from './process-tree.js';

/** A variant as the rounds see it. */
export interface Contender {
  readonly name: string;
  /** Name of the variant in its module. @default `name` */
  readonly variant?: string;
  /** Compiled file of the bench that holds it, without extension. */
  readonly module: string;
  readonly requests: readonly PlannedRequest[];
  /** Requests to warm up with, when other than those measured. */
  readonly warmRequests?: readonly PlannedRequest[];
  readonly connections?: number;
  /** Statuses that count as an answer. Anything else makes the run fail. @default [200] */
  readonly statuses?: readonly number[];
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
}

/** One variant in one round. */
export interface Sample {
  readonly perSecond: number;
  readonly cpuMicros: number;
  /** CPU per request that Redis used meanwhile. */
  readonly redisMicros: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly generatorLoad: number;
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly durationMs: number;
  /** Requests before the first round. */
  readonly warmUp: number;
  /** What a slow variant has for them. @default 15,000 */
  readonly warmUpLimitMs?: number;
  /** What does not count at the beginning of each sample. @default 150 */
  readonly settleMs?: number;
  /** The Redis of all variants. */
  readonly redisPid?: number;
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Leave the servers to the scheduler. */
  readonly anyCore?: boolean;
  /** The library's entry, when other than the one compiled from the sources. */
  readonly library?: string;
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
      ...(options.anyCore ? {} : { core: SERVER_CORE }),
      ...(options.node ? { node: options.node } : {}),
      ...(contender.nodeArguments ? { nodeArguments: contender.nodeArguments } : {}),
      arguments: [compiled.bench(contender.module), contender.variant ?? contender.name],
      env: { WARMPATH_ENTRY: options.library ?? compiled.library, ...options.env, ...contender.env },
    });
  }

  async ready(): Promise<void> {
    this.port = (await this.process.receive<{ port: number }>()).port;
  }

  #order(durationMs: number, requests: readonly PlannedRequest[]): LoadOrder {
    return { port: this.port, connections: this.contender.connections ?? 50, durationMs, requests };
  }

  /**
   * Lets the cache see the answers and V8 the work. Counted in requests, because functions are optimised after so many calls:
   * by time, a slow variant would be measured half interpreted, and on a busy machine all would.
   */
  async warmUp(load: PinnedProcess, count: number, limitMs = 15_000): Promise<void> {
    const { warmRequests, requests } = this.contender;
    if (warmRequests) await load.ask<LoadResult>(this.#order(300, warmRequests));
    const until = performance.now() + limitMs;
    for (let done = 0; done < count && performance.now() < until; ) {
      done += (await load.ask<LoadResult>(this.#order(250, requests))).completed;
    }
  }

  /** Asks the process; `undefined` when it does not know the question. */
  async question<T>(ask: string, argument?: unknown): Promise<T | undefined> {
    return (await this.process.ask<{ answer?: T }>({ ask, argument })).answer;
  }

  async measure(load: PinnedProcess, durationMs: number, settleMs = 150, redisPid = 0): Promise<Sample> {
    const { contender } = this;
    const order = this.#order(durationMs, contender.requests);
    // While the others had their turns, caches of the processor forgot this process: what is measured is a busy one.
    await load.ask<LoadResult>(this.#order(settleMs, contender.requests));
    const before = await this.process.ask<ServerUsage>({ ask: 'usage' });
    const redisBefore = exactCpuMicrosOf(redisPid);
    const result = await load.ask<LoadResult>(order);
    const after = await this.process.ask<ServerUsage>({ ask: 'usage' });
    const redisMicros = exactCpuMicrosOf(redisPid) - redisBefore;
    checkAnswers(contender, result);
    return {
      perSecond: (result.completed * 1000) / result.elapsedMs,
      cpuMicros: (after.cpuMicros - before.cpuMicros) / result.completed,
      redisMicros: redisMicros / result.completed,
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

/** Every variant in its own process, ready to be measured in turn. */
export class Field {
  readonly #load: PinnedProcess;
  readonly #running: Running[] = [];
  readonly #options: RoundsOptions;

  private constructor(load: PinnedProcess, options: RoundsOptions) {
    this.#load = load;
    this.#options = options;
  }

  static async start(contenders: readonly Contender[], compiled: Compiled, options: RoundsOptions): Promise<Field> {
    const load = new PinnedProcess(compiled.bench('harness/load'), { core: LOAD_CORE });
    const field = new Field(load, options);
    for (const contender of contenders) {
      const one = new Running(contender, compiled, options);
      field.#running.push(one);
      await one.ready();
      await one.warmUp(load, options.warmUp, options.warmUpLimitMs);
    }
    return field;
  }

  get running(): readonly Running[] {
    return this.#running;
  }

  /** Round after round: what disturbs the machine disturbs all alike. */
  async rounds(): Promise<Samples> {
    const samples = new Map<string, Sample[]>(this.#running.map((one) => [one.contender.name, []]));
    const { durationMs, settleMs, redisPid } = this.#options;
    for (let round = 0; round < this.#options.rounds; round++) {
      for (const one of this.#running) {
        const sample = await one.measure(this.#load, durationMs, settleMs, redisPid);
        samples.get(one.contender.name)!.push(sample);
        this.#options.onSample?.(one.contender.name, round, sample);
      }
    }
    return samples;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#load.stop(), ...this.#running.map((one) => one.process.stop())]);
  }
}

/** Starts all, measures them, stops all. */
export async function interleavedRounds(
  contenders: readonly Contender[],
  compiled: Compiled,
  options: RoundsOptions,
): Promise<Samples> {
  const field = await Field.start(contenders, compiled, options);
  try {
    return await field.rounds();
  } finally {
    await field.stop();
  }
}
