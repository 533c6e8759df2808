import { WarmpathError } from '../common/errors.js';

const NAME = /^[\w-]{1,64}$/;

/**
 * The tag that stands for the version of one entity: what carries it belongs to the version of its day, and
 * `cache.bump` makes it unusable. `id` may be a place such as `{id}` where tags may have places. Throws `ERR_TARGET`.
 */
export function entityTag(entity: string, id: string | number | bigint): string {
  const text = String(id);
  if (typeof entity !== 'string' || !NAME.test(entity)) {
    throw new WarmpathError('ERR_TARGET', 'the name of an entity is made of up to 64 letters, digits, _ and -');
  }
  const isId = typeof id === 'string' || typeof id === 'bigint' || Number.isFinite(id);
  if (!isId || text === '' || text.length > 512) {
    throw new WarmpathError('ERR_TARGET', 'the id of an entity is a number or a text of 1 to 512 characters');
  }
  return `@${entity}:${text}`;
}
