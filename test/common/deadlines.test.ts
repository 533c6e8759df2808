import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Deadlines } from '../../lib/common/deadlines.js';

describe('deadlines', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function noted(passed: string[], name: string) {
    return { expire: () => void passed.push(name) };
  }

  it('pass in the order in which they were set, and not before', () => {
    const deadlines = new Deadlines(1000);
    const passed: string[] = [];
    deadlines.set(noted(passed, 'a'));
    vi.advanceTimersByTime(400);
    deadlines.set(noted(passed, 'b'));
    vi.advanceTimersByTime(599);
    expect(passed).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(passed).toEqual(['a']);
    vi.advanceTimersByTime(400);
    expect(passed).toEqual(['a', 'b']);
  });

  it('do not pass for what was ended before, and one timer serves all', () => {
    const deadlines = new Deadlines(1000);
    const passed: string[] = [];
    const all = Array.from({ length: 100 }, (_, at) => noted(passed, String(at)));
    for (const one of all) deadlines.set(one);
    expect(vi.getTimerCount()).toBe(1);
    for (const one of all.slice(1)) deadlines.clear(one);
    vi.advanceTimersByTime(1000);
    expect(passed).toEqual(['0']);
    expect(vi.getTimerCount()).toBe(0);
    deadlines.set(noted(passed, 'later'));
    vi.advanceTimersByTime(1000);
    expect(passed).toEqual(['0', 'later']);
  });
});
