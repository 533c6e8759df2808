// A process is told to stop as a whole, so this is one fact per process, not one per app.
let since: number | undefined;
const listeners = new Set<() => void>();

/** Whether this process has been told to stop: `/readyz` says so, so that no new requests are sent here. */
export function isDraining(): boolean {
  return since !== undefined;
}

/** Marks this process as about to stop. Again does nothing. */
export function startDraining(): void {
  if (since !== undefined) return;
  since = Date.now();
  for (const listener of listeners) listener();
}

/** Takes the mark back: a shutdown that was called off. */
export function stopDraining(): void {
  since = undefined;
}

/** Calls `listener` when draining starts; returns the way to stop. */
export function onDraining(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
