const WIDTH = 30;

/** One line that fills up on a terminal; silent where the output is a file or a pipe. */
export function progressBar(label: string, total: number, out: NodeJS.WriteStream = process.stdout) {
  let drawn = -1;
  return (done: number): void => {
    const filled = Math.floor((WIDTH * done) / total);
    if (!out.isTTY || (filled === drawn && done < total)) return;
    drawn = filled;
    out.write(`\r${label} [${'#'.repeat(filled)}${'.'.repeat(WIDTH - filled)}] ${done}/${total}`);
    if (done >= total) out.write('\n');
  };
}
