import type { Request } from 'express';
import { optionError } from '../common/errors.js';
import { type InvalidateOnWriteOptions, resolveWriteTarget, type TagsOf, type WriteTarget } from './write-target.js';

/** For a whole app: `{ 'PUT /movies/:id': ['movie:{id}', 'movies'] }`. */
export type WriteRules = Readonly<Record<string, readonly string[] | TagsOf | InvalidateOnWriteOptions>>;

/** One line of a rules table. */
export interface WriteRule {
  readonly method: string;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  readonly target: WriteTarget;
}

const RULE = /^([A-Z]+) (\/\S*)$/;

/** Whether options are a rules table: its keys are methods and paths. */
export function isRuleTable(options: object): options is WriteRules {
  const keys = Object.keys(options);
  return keys.length > 0 && keys.every((key) => RULE.test(key));
}

/** Checks a table such as `{ 'PUT /movies/:id': ['movie:{id}'] }`; every `{param}` must be in its path. */
export function writeRules(table: WriteRules): readonly WriteRule[] {
  return Object.entries(table).map(([key, value]) => {
    const [, method = '', path = ''] = RULE.exec(key) ?? [];
    const options: InvalidateOnWriteOptions = isTags(value) ? { tags: value } : value;
    const names = [...path.matchAll(/:(\w+)/g)].map((match) => match[1] as string);
    checkPlaces(key, options, names);
    return {
      method,
      names,
      pattern: patternOf(path),
      target: resolveWriteTarget(`invalidateOnWrite['${key}']`, options),
    };
  });
}

/** The rule for a request, with its parameters. Paths match as Express matches them: any case, with or without a slash at the end. */
export function matchRule(
  rules: readonly WriteRule[],
  req: Request,
): { readonly target: WriteTarget; readonly params: Record<string, string> } | undefined {
  const path = req.originalUrl.split('?', 1)[0] ?? '';
  for (const { method, pattern, names, target } of rules) {
    const match = req.method === method ? pattern.exec(path) : null;
    if (match === null) continue;
    const params: Record<string, string> = Object.create(null);
    for (const [index, name] of names.entries()) params[name] = decoded(match[index + 1] ?? '');
    return { target, params };
  }
  return undefined;
}

function isTags(value: WriteRules[string]): value is readonly string[] | TagsOf {
  return Array.isArray(value) || typeof value === 'function';
}

function patternOf(path: string): RegExp {
  const literal = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replace(/:\w+/g, '([^/]+)');
  return new RegExp(`^${literal}/?$`, 'i');
}

function checkPlaces(key: string, options: InvalidateOnWriteOptions, names: readonly string[]): void {
  for (const text of [
    ...(typeof options.tags === 'function' ? [] : (options.tags ?? [])),
    ...(options.urls ?? []),
    ...(options.keys ?? []),
    options.prefix ?? '',
  ]) {
    for (const [, place = ''] of String(text).matchAll(/\{([^{}]*)\}/g)) {
      if (!names.includes(place))
        throw optionError(
          `invalidateOnWrite['${key}']`,
          `places that its path declares (${names.join(', ') || 'none'})`,
          text,
        );
    }
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
