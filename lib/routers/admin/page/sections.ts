import type { AdminView } from '../admin-view.js';
import type { Html } from '../html.js';
import type { Sample } from '../live-sampler.js';
import { decisionsSection, invalidationsSection } from './sections-events.js';
import { keysSection, tagsSection } from './sections-keys.js';
import { busiestSection, limitsSection } from './sections-limits.js';
import { overviewSection, stateSection } from './sections-overview.js';
import { findingsSection, reasonsSection, routesSection } from './sections-traffic.js';

/** The name of a part of the page. */
export type SectionName = keyof ReturnType<typeof sections>;

/** Every part of the page that changes, as markup. The page and its live updates are made by the same code. */
export function sections(view: AdminView, sample: Sample | undefined) {
  return {
    state: stateSection(view),
    overview: overviewSection(view, sample),
    routes: routesSection(view),
    keys: keysSection(view),
    tags: tagsSection(view),
    limits: limitsSection(view),
    busiest: busiestSection(view),
    reasons: reasonsSection(view),
    findings: findingsSection(view),
    invalidations: invalidationsSection(view),
    decisions: decisionsSection(view),
  } satisfies Record<string, Html>;
}
