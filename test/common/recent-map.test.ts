import { describe, expect, it } from 'vitest';
import { RecentMap } from '../../lib/common/recent-map.js';

describe('a map of what was used recently', () => {
  it('keeps at most as many as it may, and those used last', () => {
    const map = new RecentMap<string>(10);
    for (let key = 0; key < 1000; key++) {
      map.set(`${key}`, String(key));
      expect(map.size).toBeLessThanOrEqual(10);
      for (let recent = Math.max(0, key - 4); recent <= key; recent++)
        expect(map.get(`${recent}`)).toBe(String(recent));
    }
    expect(map.get('900')).toBeUndefined();
  });

  it('keeps what is set again, and has one value of a key', () => {
    const map = new RecentMap<number>(10);
    map.set('a', 1);
    for (let key = 0; key < 100; key++) {
      map.set(`k${key}`, key);
      map.set('a', key);
    }
    expect(map.get('a')).toBe(99);
    map.delete('a');
    expect(map.get('a')).toBeUndefined();
    map.clear();
    expect(map.size).toBe(0);
  });
});
