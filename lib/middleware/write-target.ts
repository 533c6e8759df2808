import type { Request, Response } from 'express';
import { optionError } from '../common/errors.js';
import { booleanOption, checkKnownKeys, functionOption } from '../common/options.js';
import { type GroupTemplates, groupTemplates } from './group-templates.js';

/** What a successful write invalidates; `{param}` stands for `req.params.param` in every text. */
export interface InvalidateOnWriteOptions {
  /** Tags, or how to tell them once the handler has decided on its answer. */
  readonly tags?: readonly string[] | TagsOf | undefined;
  readonly urls?: readonly string[] | undefined;
  readonly keys?: readonly string[] | undefined;
  readonly prefix?: string | undefined;
  /** `false` leaves everything as it is. @default every 2xx and 3xx */
  readonly when?: ((req: Request, res: Response) => boolean) | undefined;
  /** Make stale instead of unusable. @default false */
  readonly soft?: boolean | undefined;
}

/** Tells the tags of a write once its handler has decided on the answer. */
export type TagsOf = (req: Request, res: Response) => readonly string[];

/** What one write invalidates, ready to be filled in. */
export interface WriteTarget {
  readonly tags: GroupTemplates | undefined;
  readonly tagsOf: TagsOf | undefined;
  readonly urls: GroupTemplates | undefined;
  readonly keys: GroupTemplates | undefined;
  readonly prefix: GroupTemplates | undefined;
  readonly when: ((req: Request, res: Response) => boolean) | undefined;
  readonly soft: boolean;
}

const KEYS = ['tags', 'urls', 'keys', 'prefix', 'when', 'soft'];

/** {@link InvalidateOnWriteOptions}, checked; `owner` names them in messages. @throws WarmpathError `ERR_OPTION`, `ERR_UNKNOWN_OPTION` */
export function resolveWriteTarget(owner: string, options: InvalidateOnWriteOptions): WriteTarget {
  checkKnownKeys(owner, options, KEYS);
  const { tags, urls, keys, prefix, when, soft = false } = options;
  const list = (name: string, value: readonly string[] | undefined): GroupTemplates | undefined =>
    value === undefined ? undefined : groupTemplates(`${owner}.${name}`, value);
  if ([tags, urls, keys].every(isNothing) && prefix === undefined) {
    throw optionError(owner, 'at least one of tags, urls, keys or prefix', options);
  }
  return Object.freeze({
    tags: typeof tags === 'function' ? undefined : list('tags', tags),
    tagsOf: typeof tags === 'function' ? tags : undefined,
    urls: list('urls', urls),
    keys: list('keys', keys),
    prefix: prefix === undefined ? undefined : groupTemplates(`${owner}.prefix`, [prefix]),
    when:
      when === undefined ? undefined : functionOption<(req: Request, res: Response) => boolean>(`${owner}.when`, when),
    soft: booleanOption(`${owner}.soft`, soft),
  });
}

function isNothing(list: readonly string[] | TagsOf | undefined): boolean {
  return list === undefined || (typeof list !== 'function' && list.length === 0);
}
