import type { Socket } from 'node:net';
import { watchProperty } from './watched-property.js';
import { WatchedPrototypes } from './watched-prototype.js';

/** Who is told that the address of a client was read. */
export interface AddressReader {
  who(input: string): void;
}

const readersOf = new WeakMap<Socket, Set<AddressReader>>();

const addresses = new WatchedPrototypes(['remoteAddress'], (socket) => tell(readersOf.get(socket as Socket)));

function tell(readers: ReadonlySet<AddressReader> | undefined): void {
  if (readers !== undefined) for (const reader of readers) reader.who('ip');
}

/**
 * Watches the address of a connection for one more request. Pipelined requests share a socket, so its reads count for
 * every request that is being watched on it. The watch stays for as long as the socket does: an accessor of the socket's own
 * would make everything that is done with it slow, hits included.
 */
export function watchAddress(socket: Socket, reader: AddressReader): void {
  let readers = readersOf.get(socket);
  if (readers === undefined) {
    readers = new Set<AddressReader>();
    readersOf.set(socket, readers);
    const all = readers;
    if (!Object.hasOwn(socket, 'remoteAddress')) {
      keepKind(socket);
      addresses.watch(socket);
    } else watchProperty(socket, 'remoteAddress', () => tell(all));
  }
  readers.add(reader);
}

/** Ends what {@link watchAddress} began. */
export function unwatchAddress(socket: Socket, reader: AddressReader): void {
  readersOf.get(socket)?.delete(reader);
}

// What Node adds to a socket after its first answer. Before V8 12 (Node 24) a property that is added after the prototype was
// changed gives each socket a kind of its own, and all that is done with sockets is slow.
function keepKind(socket: Socket): void {
  (socket as { timeout?: number | undefined }).timeout = socket.timeout; // own now, with the value it has
}
