import type { SerializedError, TestModule } from 'vitest/node';

/** Closes the run with one plain line, `N passed, N failed`, counted from the tests themselves. */
export class CountsReporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    let passed = 0;
    let failed = unhandled.length;
    for (const module of modules) {
      const states = Array.from(module.children.allTests(), (test) => test.result().state);
      passed += states.filter((state) => state === 'passed').length;
      const own = states.filter((state) => state === 'failed').length;
      // A file that cannot be loaded, or whose hooks fail, has no failed test of its own.
      failed += own === 0 && module.state() === 'failed' ? 1 : own;
    }
    process.on('exit', () => process.stdout.write(`${passed} passed, ${failed} failed\n`));
  }
}
