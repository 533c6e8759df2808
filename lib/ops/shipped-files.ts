import { dashboard } from './dashboard.js';
import { ruleGroups } from './rules.js';
import { rulesYaml } from './yaml.js';

/** The files that are shipped, by name. */
export function shippedFiles(): Readonly<Record<string, string>> {
  return {
    'grafana-dashboard.json': `${JSON.stringify(dashboard(), null, 2)}\n`,
    'prometheus-rules.yml': rulesYaml(ruleGroups()),
  };
}
