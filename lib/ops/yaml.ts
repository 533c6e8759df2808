import type { RuleGroup } from './rules.js';

/** The rule file of Prometheus. Texts stand in single quotes, in which YAML knows no escapes but the doubled quote. */
export function rulesYaml(groups: readonly RuleGroup[]): string {
  const lines = ['# Generated from the metric declarations of warmpath. Limits may be changed here.', 'groups:'];
  for (const { name, rules } of groups) {
    lines.push(`  - name: ${name}`, '    rules:');
    for (const rule of rules) lines.push(...mapping(rule, '      - ', '        '));
  }
  return `${lines.join('\n')}\n`;
}

function mapping(value: object, first: string, rest: string): string[] {
  return Object.entries(value).flatMap(([key, one], index) => {
    const indent = index === 0 ? first : rest;
    if (typeof one === 'object') return [`${indent}${key}:`, ...mapping(one, `${rest}  `, `${rest}  `)];
    return [`${indent}${key}: ${scalar(String(one))}`];
  });
}

function scalar(text: string): string {
  if (/^[A-Za-z][\w:]*$|^\d+m$/.test(text)) return text;
  return `'${text.replaceAll("'", "''")}'`;
}
