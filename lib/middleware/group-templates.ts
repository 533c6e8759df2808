import type { Request } from 'express';
import { tagGroup } from '../cache/group-names.js';
import { optionError, WarmpathError } from '../common/errors.js';
import { textList } from '../common/options.js';

/** Names with `{param}` places, ready to be filled in from a request. */
export interface GroupTemplates {
  /** Groups of these names for a request. Throws `ERR_PARAM` where a place has no value. */
  groupsOf(req: Pick<Request, 'params'>): readonly string[];
  /** The names themselves. */
  namesOf(req: Pick<Request, 'params'>): readonly string[];
}

type Part = { readonly text: string } | { readonly param: string };

const PLACE = /\{([^{}]*)\}/g;
const PARAM_NAME = /^[A-Za-z_$][\w$]*$/;

/** Checks a list of templates such as `['movies', 'movie:{id}']`. */
export function groupTemplates(option: string, templates: unknown): GroupTemplates {
  const list = textList(option, templates);
  if (list.every((template) => !template.includes('{') && !template.includes('}'))) {
    const names = Object.freeze([...new Set(list)]);
    const groups = Object.freeze(names.map(tagGroup));
    return { groupsOf: () => groups, namesOf: () => names };
  }
  const parsed = list.map((template) => parse(option, template));
  const namesOf = (req: Pick<Request, 'params'>): readonly string[] => [
    ...new Set(parsed.map((parts) => fill(option, parts, req))),
  ];
  return { namesOf, groupsOf: (req) => namesOf(req).map(tagGroup) };
}

function parse(option: string, template: string): readonly Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of template.matchAll(PLACE)) {
    const param = match[1] ?? '';
    if (!PARAM_NAME.test(param))
      throw optionError(option, "places such as '{id}', named like a route parameter", template);
    parts.push({ text: template.slice(end, match.index) }, { param });
    end = match.index + match[0].length;
  }
  const rest = template.slice(end);
  if (/[{}]/.test(rest) || parts.some((part) => 'text' in part && /[{}]/.test(part.text))) {
    throw optionError(option, "a tag whose braces are paired, such as 'movie:{id}'", template);
  }
  return [...parts, { text: rest }];
}

function fill(option: string, parts: readonly Part[], req: Pick<Request, 'params'>): string {
  return parts.map((part) => ('text' in part ? part.text : paramOf(option, part.param, req))).join('');
}

// An empty place would make one tag of what should be many, so it is an error and not a name.
function paramOf(option: string, param: string, req: Pick<Request, 'params'>): string {
  const params = req.params as Readonly<Record<string, string | readonly string[] | undefined>>;
  const value = Object.hasOwn(params, param) ? params[param] : undefined;
  if (typeof value === 'string' && value !== '') return value;
  if (Array.isArray(value) && value.length > 0) return value.join('/');
  throw new WarmpathError(
    'ERR_PARAM',
    `${option}: the route has no parameter '${param}' here. Mount the middleware on the route that declares it.`,
  );
}
