import { connect } from 'node:net';

/** Sends bytes over a socket of its own and resolves to everything that came back until it was quiet or closed. */
export function sendRaw(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = '';
    socket.setTimeout(300, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}

/** A GET of a target, exactly as given, closing the connection afterwards. */
export function getRaw(url: string, target: string, fields: readonly string[] = ['Host: films.test']): Promise<string> {
  return sendRaw(url, [`GET ${target} HTTP/1.1`, ...fields, 'Connection: close', '', ''].join('\r\n'));
}
