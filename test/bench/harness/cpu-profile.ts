import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

let session: Session | undefined;

/** Begins to sample this process, every 100 µs. */
export async function startProfile(): Promise<void> {
  session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 100 });
  await session.post('Profiler.start');
}

/** Ends it and writes the profile where Chrome's and VS Code's viewers can open it. */
export async function stopProfile(file: string): Promise<void> {
  const stopped = await session?.post('Profiler.stop');
  session?.disconnect();
  writeFileSync(file, JSON.stringify(stopped?.profile));
}
