// What processes that are not Node's have used, as Linux counts it.
import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it has ended since it was listed
  }
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((task) => `/proc/${pid}/task/${task}`);
  } catch {
    return []; // so has its process
  }
}

const numbers = (text: string): number[] => text.trim().split(/\s+/).filter(Boolean).map(Number);

/** A process and all that descend from it. */
export function processTree(pid: number): number[] {
  const children = tasksOf(pid).flatMap((task) => numbers(read(`${task}/children`)));
  return [pid, ...children.flatMap(processTree)];
}

// Of Linux towards programs, whatever the kernel counts in.
const TICK_MICROS = 10_000;

/** CPU time of a process, all threads, in microseconds; in steps of 10 ms, so that a single short round is not exact. */
export function cpuMicrosOf(pid: number): number {
  // The name of the program, in parentheses, may hold anything.
  const [userTicks = 0, systemTicks = 0] = numbers(read(`/proc/${pid}/stat`).replace(/^.*\)/s, '').slice(2)).slice(10);
  return (userTicks + systemTicks) * TICK_MICROS;
}

/** Its memory, in bytes. */
export function rssBytesOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
}

/** CPU a process of one thread has used, in microseconds, exactly. 0 where it cannot be told. */
export function exactCpuMicrosOf(pid: number): number {
  return (numbers(read(`/proc/${pid}/schedstat`))[0] ?? 0) / 1000;
}
