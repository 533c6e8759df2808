import type { Profiler } from 'node:inspector';

/** Time spent in one function. */
export interface FunctionCost {
  readonly name: string;
  readonly file: string;
  /** In its own code. */
  readonly selfMs: number;
  /** With everything it called. */
  readonly totalMs: number;
}

/** What a profile says of the functions whose file `isOurs`, the most expensive first, and of the rest by kind. */
export interface ProfileReading {
  readonly busyMs: number;
  readonly functions: readonly FunctionCost[];
  /** Self time by where the code lives. */
  readonly places: ReadonlyMap<string, number>;
  /** Time in calls that leave our code: `our function -> foreign function it called`, with everything below. */
  readonly calls: ReadonlyMap<string, number>;
}

const IDLE = new Set(['(idle)', '(root)']);

function placeOf(url: string, name: string, isOurs: (url: string) => boolean): string {
  if (name === '(garbage collector)') return 'garbage collection';
  if (url === '') return 'native';
  if (isOurs(url)) return 'ours';
  if (url.startsWith('node:')) return 'node';
  return /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules)/.exec(url)?.[1] ?? 'bench';
}

export function readProfile(profile: Profiler.Profile, isOurs: (url: string) => boolean): ProfileReading {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const node of profile.nodes) for (const child of node.children ?? []) parents.set(child, node.id);
  const self = new Map<string, number>();
  const total = new Map<string, number>();
  const places = new Map<string, number>();
  const calls = new Map<string, number>();
  let busy = 0;
  const add = (map: Map<string, number>, key: string, ms: number): void => {
    map.set(key, (map.get(key) ?? 0) + ms);
  };
  // The innermost step from our code into foreign code, on the way down to a sample.
  const leavingCall = (id: number): string | undefined => {
    for (let at = id, parent = parents.get(at); parent !== undefined; at = parent, parent = parents.get(at)) {
      const caller = nodes.get(parent)!.callFrame;
      const callee = nodes.get(at)!.callFrame;
      if (isOurs(caller.url) && !isOurs(callee.url)) return `${caller.functionName} -> ${callee.functionName}`;
      if (isOurs(callee.url)) return undefined;
    }
    return undefined;
  };
  for (const [i, id] of (profile.samples ?? []).entries()) {
    const frame = nodes.get(id)!.callFrame;
    if (IDLE.has(frame.functionName)) continue;
    const ms = (profile.timeDeltas?.[i] ?? 0) / 1000;
    busy += ms;
    add(places, placeOf(frame.url, frame.functionName, isOurs), ms);
    if (isOurs(frame.url)) add(self, keyOf(frame), ms);
    const seen = new Set<string>();
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { callFrame } = nodes.get(at)!;
      const key = keyOf(callFrame);
      if (isOurs(callFrame.url) && !seen.has(key)) add(total, key, ms);
      seen.add(key);
    }
    const call = leavingCall(id);
    if (call !== undefined) add(calls, call, ms);
  }
  const functions = [...total].map(([key, totalMs]): FunctionCost => {
    const [name = '', file = ''] = key.split('\n');
    return { name, file, selfMs: self.get(key) ?? 0, totalMs };
  });
  return { busyMs: busy, functions: functions.sort((a, b) => b.selfMs - a.selfMs), places, calls };
}

function keyOf({ functionName, url }: { functionName: string; url: string }): string {
  return `${functionName || '(anonymous)'}\n${url.replace(/^.*\.warmpath-bench\//, '')}`;
}
