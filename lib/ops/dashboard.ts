import { type PanelSpec, panels } from './panels.js';

const WIDTH = 24;

/** Grafana's dashboard as JSON: import it and choose the data source. */
export function dashboard(): object {
  return {
    __requires: [{ type: 'datasource', id: 'prometheus', name: 'Prometheus', version: '1.0.0' }],
    uid: 'warmpath',
    title: 'Warmpath',
    description: 'Response cache, rate limits and Redis of an Express application using warmpath',
    tags: ['warmpath', 'cache', 'express', 'redis'],
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    schemaVersion: 39,
    time: { from: 'now-1h', to: 'now' },
    templating: { list: [datasource(), variable('job', 'Job', false), variable('instance', 'Instance', true)] },
    panels: layOut(panels()),
  };
}

function datasource(): object {
  return { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, hide: 0 };
}

function variable(name: string, label: string, narrowed: boolean): object {
  const selector = narrowed ? 'redis_up{job=~"$job"} or cache_entries{job=~"$job"}' : 'cache_entries';
  const query = narrowed ? `query_result(${selector})` : `label_values(${selector}, ${name})`;
  return {
    name,
    label,
    type: 'query',
    datasource: { type: 'prometheus', uid: '$datasource' },
    query: { query, refId: name },
    ...(narrowed && { regex: `/${name}="([^"]+)"/` }),
    refresh: 2,
    includeAll: true,
    multi: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
  };
}

// Left to right, top to bottom; a row's panels follow it.
function layOut(specs: readonly PanelSpec[]): object[] {
  let x = 0;
  let y = 0;
  let lineHeight = 0;
  return specs.map((spec, index) => {
    const height = spec.kind === 'row' ? 1 : spec.kind === 'stat' ? 4 : 8;
    const width = spec.kind === 'row' ? WIDTH : spec.width;
    if (x + width > WIDTH) {
      x = 0;
      y += lineHeight;
      lineHeight = 0;
    }
    const gridPos = { x, y, w: width, h: height };
    x += width;
    lineHeight = Math.max(lineHeight, height);
    return panel(spec, index + 1, gridPos);
  });
}

function panel(spec: PanelSpec, id: number, gridPos: object): object {
  if (spec.kind === 'row') return { id, type: 'row', title: spec.title, collapsed: false, gridPos, panels: [] };
  const { title, description, kind, unit, queries, stacked = false, thresholds, min, max } = spec;
  const defaults = {
    unit,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    color: { mode: thresholds && kind === 'stat' ? 'thresholds' : 'palette-classic' },
    ...(thresholds && { thresholds: { mode: 'absolute', steps: thresholds } }),
    ...(kind === 'timeseries' && { custom: drawing(stacked) }),
    ...(spec.mappings && { mappings: spec.mappings }),
  };
  return {
    id,
    type: kind,
    title,
    description,
    gridPos,
    datasource: { type: 'prometheus', uid: '$datasource' },
    fieldConfig: { defaults, overrides: [] },
    options: kind === 'stat' ? STAT_OPTIONS : SERIES_OPTIONS,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      expr,
      legendFormat: legend,
      datasource: { type: 'prometheus', uid: '$datasource' },
    })),
  };
}

const STAT_OPTIONS = {
  colorMode: 'value',
  graphMode: 'area',
  textMode: 'value',
  reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
};

const SERIES_OPTIONS = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: ['lastNotNull'] },
  tooltip: { mode: 'multi', sort: 'desc' },
};

function drawing(stacked: boolean): object {
  return {
    drawStyle: 'line',
    lineWidth: stacked ? 1 : 2,
    fillOpacity: stacked ? 60 : 8,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
  };
}
