import type { RedisGuard } from '../redis/guard.js';
import type { GroupVersion } from './group-versions.js';
import type { Found } from './stored-entry.js';

/** An entry that was found to stand by the versions it was read with. It stands as long as nothing of all that changes. */
export class SeenEntry {
  readonly found: Found;
  readonly #keys: readonly string[];
  readonly #versions: readonly (GroupVersion | undefined)[];

  /** `keys` are those of the versions, in their order, and the entry's own. */
  constructor(keys: readonly string[], versions: ReadonlyMap<string, GroupVersion | undefined>, found: Found) {
    this.found = found;
    this.#keys = keys;
    this.#versions = [...versions.values()];
  }

  /** Whether what was read now, the same bytes of the entry included, says the same of it. */
  stands(
    keys: readonly string[],
    values: readonly (Buffer | null | undefined)[],
    servers: Pick<RedisGuard, 'reign'>,
  ): boolean {
    if (keys.length !== this.#keys.length || keys.length !== this.#versions.length + 1) return false;
    if (keys[this.#versions.length] !== this.#keys[this.#versions.length]) return false;
    for (let at = 0; at < this.#versions.length; at++) {
      const version = this.#versions[at];
      const value = values[at];
      if (version === undefined || value === null || value === undefined || keys[at] !== this.#keys[at]) return false;
      if (!version.record.equals(value) || servers.reign(keys[at] as string) !== version.reign) return false;
    }
    return true;
  }
}
